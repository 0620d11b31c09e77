"""stream.py MODEL PROMPT: an answer as it is produced, sampled; Ctrl-C stops it."""

import sys

import rustml

path, prompt = sys.argv[1:]
try:
    with rustml.Model.open(path) as model, model.session() as session:
        with session.generate(prompt, max_tokens=64, temperature=0.8, top_p=0.95, seed=1) as generation:
            try:
                for chunk in generation:
                    print(chunk, end="", flush=True)
            except KeyboardInterrupt:
                print(" [stopped]", end="")
        result = generation.result
        print(f"\n{result.generated_tokens} tokens, {result.finish.name.lower()}, first after {result.first_token_seconds:.3f} s", file=sys.stderr)
except rustml.RustmlError as error:
    sys.exit(f"stream: {error}")
