"""rust.py BUILD_DIR LIBRARY_DIR WORK_DIR: the crate librustml, which programs use as `rustml`.

Format, lints, tests, doctests and documentation against the built library; a library of another layout; then as a new user: the
library and the crates installed to a prefix that is moved, the README's program in an empty cargo project, the examples, and what
is said when there is no library. Prints SKIPPED with the reason where cargo or the network is absent.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from run import ROOT, RUST, Skipped, fetched, need, other_library, run

EXAMPLES = ROOT / "examples/rust"
MODEL = ROOT / "tests/golden/data/architectures/llama.gguf"
OFFLINE = ["--offline", "--locked"]


def output(command, folder, **environment):
    """What the command prints; it must end well."""
    print("+", " ".join(map(str, command)), flush=True)
    done = subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"FAILED {command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def refusal(folder, work, **environment):
    """What a build without the library says; it must not succeed."""
    command = ["cargo", "build", "--offline", "-q"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "CARGO_TARGET_DIR": str(work / "none"), **environment}, capture_output=True,
                          text=True)
    if done.returncode == 0:
        raise SystemExit("FAILED: built without a library")
    return done.stderr


def wanted(condition, what):
    if not condition:
        raise SystemExit(f"FAILED {what}")


def crate(libraries, work):
    library = {"CARGO_TARGET_DIR": str(work / "cargo"), "RUSTML_LIB_DIR": str(libraries)}
    for folder in (RUST, EXAMPLES):
        run(["cargo", "fmt", "--check"], folder)
        run(["cargo", "clippy", *OFFLINE, "-q", "--all-targets", "--all-features", "--", "-D", "warnings"], folder, **library)
    run(["cargo", "clippy", *OFFLINE, "-q", "-p", "librustml", "--", "-D", "warnings"], RUST, **library)
    run(["cargo", "doc", *OFFLINE, "-q", "--no-deps", "--all-features", "-p", "librustml"], RUST, RUSTDOCFLAGS="-D warnings", **library)
    run(["cargo", "test", *OFFLINE, "-q", "-p", "librustml", "--all-features"], RUST, **library)
    # 2 % of a token of SmolLM2 were 54 µs (2.7 ms a token, two cores), and the crate took 0.14 µs, built for release.
    for tries in (1, 2, 3):
        try:
            run(["cargo", "run", *OFFLINE, "-q", "-p", "librustml", "--example", "overhead", "--", MODEL, 100, 21, 20000], RUST, **library)
            break
        except subprocess.CalledProcessError as failed:
            if failed.returncode != 1 or tries == 3:  # 1: beyond the limit, which may be the work of other programs
                raise
            print(f"RETRIED overhead after run {tries} of 3: beyond its limit", flush=True)
    library["RUSTML_LIB_DIR"] = str(other_library(work))
    run(["cargo", "test", *OFFLINE, "-q", "-p", "librustml", "--test", "refusal"], RUST, RUSTML_EXPECT_REFUSAL="1", **library)


def new_user(build, work):
    shutil.rmtree(work / "user", ignore_errors=True)
    first, prefix, project = work / "user/first", work / "user/prefix", work / "user/hello"
    output(["cmake", "--install", build, "--prefix", first], work)
    first.rename(prefix)
    found = {"PKG_CONFIG_PATH": str(next(prefix.rglob("rustml.pc")).parent), "CARGO_TARGET_DIR": str(work / "user/target")}
    for name in ("RUSTML_LIB_DIR", "LD_LIBRARY_PATH"):
        os.environ.pop(name, None)

    readme = (RUST / "rustml/README.md").read_text()
    program = re.search(r"```no_run\n(.*?)```", readme, re.S).group(1)
    wanted(program == (EXAMPLES / "src/bin/hello.rs").read_text(), "README.md's program is not examples/rust/src/bin/hello.rs")
    output(["cargo", "new", "-q", "--vcs", "none", project], work)
    (project / "src/main.rs").write_text(program)
    output(["cargo", "add", "-q", "--offline", "--path", prefix / "share/rustml/rust/rustml"], project)
    said = output(["cargo", "run", "--offline", "-q", "--", MODEL], project, **found)
    wanted(len(said) > 10, f"hello printed {said!r}")

    examples = prefix / "share/doc/rustml/examples/rust"

    def example(name, *arguments):
        return output(["cargo", "run", *OFFLINE, "-q", "--bin", name, "--", *arguments], examples, **found)

    wanted(example("hello", MODEL) == said, "hello as an example prints something else")
    wanted(example("stream", MODEL, "Once upon a time"), "stream printed nothing")
    wanted(example("cancel", MODEL, "Once upon a time", "20"), "cancel printed nothing")
    wanted("saved" in example("snapshot", MODEL, "save", work / "state", "Once upon a time"), "snapshot did not save")
    wanted(example("snapshot", MODEL, "load", work / "state"), "snapshot printed nothing")

    def talk(name, said, *arguments):
        command = ["cargo", "run", *OFFLINE, "-q", "--bin", name, "--", MODEL, *arguments]
        done = subprocess.run(list(map(str, command)), cwd=examples, env={**os.environ, **found}, input=said, capture_output=True, text=True)
        wanted(done.returncode == 0 and done.stdout, f"{name}: {done.stderr}")
        return done.stdout

    talk("chat", "What is the answer?\n\n")
    said = talk("long_chat", "".join(f"Say something about {i}.\n" for i in range(50)), 160)
    wanted(said.count("prompt tokens were known)\n") == 50 and said.count("(dropped ") > 5, f"long_chat: {said}")

    nowhere = str(work / "nowhere")
    said = refusal(project, work, RUSTML_LIB_DIR=nowhere)
    wanted(f"{nowhere}/librustml.so" in said and "RUSTML_LIB_DIR" in said, f"no list of places in: {said}")
    said = refusal(project, work, PKG_CONFIG_PATH=nowhere, PKG_CONFIG_LIBDIR=nowhere)
    wanted("PKG_CONFIG_PATH" in said and "RUSTML_LIB_DIR" in said, f"no way out in: {said}")


def main():
    build, libraries = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    work = pathlib.Path(sys.argv[3]).resolve() / "rust-crate"
    work.mkdir(parents=True, exist_ok=True)
    try:
        need("cargo", "https://rustup.rs")
        need("cargo-clippy", "rustup component add clippy")
        for folder in (RUST, EXAMPLES):
            fetched(["cargo", "fetch", "--locked"], folder, "crates")
        crate(libraries, work)
        new_user(build, work)
    except Skipped as reason:
        print(f"SKIPPED rust: {reason}")
        sys.exit(77)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"FAILED rust: {failed}")


if __name__ == "__main__":
    main()
