"""chat.py MODEL: a chat in the terminal. Only what is new is evaluated each time."""

import sys

import rustml

with rustml.Model.open(sys.argv[1]) as model, model.session() as session:
    chat = rustml.Chat(session, system="You are a helpful assistant.")
    for line in sys.stdin:
        for chunk in chat.ask(line.strip(), max_tokens=64):
            print(chunk, end="", flush=True)
        assert chat.result is not None
        print(f"\n({chat.result.prefill_tokens_skipped} of {chat.result.prompt_tokens} prompt tokens were known)")
