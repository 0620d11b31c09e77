"""cancel.py MODEL PROMPT MILLISECONDS: another thread stops the answer; the session stays usable."""

import sys
import threading

import rustml

path, prompt, milliseconds = sys.argv[1:]
with rustml.Model.open(path) as model, model.session() as session:
    cancel = rustml.CancelHandle()
    threading.Timer(int(milliseconds) / 1000, cancel.cancel).start()
    generation = session.generate(prompt, ignore_eos=True, cancel=cancel)
    try:
        generation.read()
        word = "finished"
    except rustml.CancelledError:
        word = "stopped"
    print(f"{word} after {generation.result.generated_tokens} tokens, {generation.result.stop_latency_ns / 1e6:.1f} ms after the request")
    generation.close()
    print(session.generate("And now?", max_tokens=4, timeout=10.0).read())
