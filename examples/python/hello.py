"""hello.py MODEL: the shortest program."""

import sys

import rustml

with rustml.Model.open(sys.argv[1]) as model, model.session() as session:
    print(session.generate("The capital of France is", max_tokens=16).read())
