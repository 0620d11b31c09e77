"""snapshot.py MODEL save FILE PROMPT: evaluates a prompt and saves the session.
snapshot.py MODEL load FILE: goes on from it, in another process, without evaluating the prompt again.
"""

import sys

import rustml

path, action, file, *prompt = sys.argv[1:]
with rustml.Model.open(path) as model, model.session() as session:
    if action == "save":
        session.eval(model.encode(prompt[0]))
        session.save(file)
        print(f"saved {session.position} tokens")
    else:
        session.load(file)
        with session.generate(session.tokens, max_tokens=32) as generation:
            print(generation.read())
            print(f"{generation.result.prefill_tokens_skipped} of {generation.result.prompt_tokens} tokens were in the snapshot", file=sys.stderr)
