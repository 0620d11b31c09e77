"""long_chat.py MODEL CONTEXT: a conversation that goes on when the context is full, since the oldest turns are dropped; /undo takes the last turn back."""

import sys
from typing import Dict, List, Tuple

import rustml

Message = Dict[str, str]
Turn = Tuple[Message, Message]  # what the user said, and the answer
SYSTEM = {"role": "system", "content": "Answer briefly."}


def answer(session: rustml.Session, turns: List[Turn], question: Message, context: int) -> rustml.Generation:
    """Begins the answer, and drops the oldest turns if the prompt leaves too little room for it: then so many that half of the context is
    free, because what stays is evaluated again behind the system message. OutOfRangeError: the question does not fit even alone."""
    most = context - context // 4
    for first in range(len(turns)):
        try:
            generation = session.chat([SYSTEM, *(message for turn in turns[first:] for message in turn), question], max_tokens=64)
        except rustml.OutOfRangeError:
            pass
        else:
            if generation.result.prompt_tokens <= most:  # known before anything is evaluated
                break
            generation.close()
        most = context // 2
    else:
        first, generation = len(turns), session.chat([SYSTEM, question], max_tokens=64)
    if first:
        print(f"(dropped {first} turns)")
        del turns[:first]
    return generation


context = int(sys.argv[2])
with rustml.Model.open(sys.argv[1]) as model, model.session(context_tokens=context) as session:
    turns: List[Turn] = []
    for line in map(str.strip, sys.stdin):
        if line == "/undo":
            del turns[-1:]  # the next prompt parts from the session's tokens there, and the session goes back to there
            continue
        question = {"role": "user", "content": line}
        try:
            generation = answer(session, turns, question, context)
        except rustml.OutOfRangeError as error:
            print(f"long_chat: {error}; the conversation goes on without this message", file=sys.stderr)
            continue
        text = ""
        with generation:
            for chunk in generation:
                text += chunk.text
                print(chunk, end="", flush=True)
        turns.append((question, {"role": "assistant", "content": text}))
        result = generation.result
        print(f"\n({result.prefill_tokens_skipped} of {result.prompt_tokens} prompt tokens were known)")
        if result.finish == rustml.Finish.CONTEXT_FULL:
            print("(the context is full, so the answer ends here)")
