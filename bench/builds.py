#!/usr/bin/env python3
"""Two or more builds of librustml against each other: prompts and tokens in turns, so that all see the same machine.

    bench/builds.py MODEL FOLDER FOLDER... [--prefill N] [--decode N] [--rounds N] [--threads N]

A FOLDER holds a build's librustml.so.1 (build/release/src/api); ratios are medians over the rounds of its time to the first folder's.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess

SERVE = pathlib.Path(__file__).parents[1] / "build/release/bench/rustml_bench_serve"


class Build:
    def __init__(self, folder, a):
        command = [SERVE, "--gguf", a.model, "--threads", str(a.threads), "--context", str(a.prefill + a.decode + 1)]
        environment = {**os.environ, "LD_LIBRARY_PATH": str(pathlib.Path(folder).resolve())}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.vocab = json.loads(self.process.stdout.readline())["vocab"]
        self.folder, self.prompt, self.token = folder, [], []

    def round(self, seed, a):
        print(seed, self.vocab, a.prefill, a.decode, 0, file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        self.prompt.append(1e3 * answer["first_s"])
        self.token.append(1e3 * statistics.median(answer["token_s"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folders", nargs="+")
    for name, value in (("prefill", 128), ("decode", 32), ("rounds", 20), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    builds = [Build(folder, a) for folder in a.folders]
    for seed in range(a.rounds + 1):
        for build in builds:
            build.round(seed, a)
    for build in builds:
        def words(figures, first):  # the first round warms up
            ratio = statistics.median(mine / base for mine, base in zip(figures[1:], first[1:]))
            return f"{statistics.median(figures[1:]):8.3f} ms ({ratio:.3f})"
        print(f"prompt {words(build.prompt, builds[0].prompt)}  token {words(build.token, builds[0].token)}  {build.folder}")
        build.process.stdin.close()
        build.process.wait()


if __name__ == "__main__":
    main()
