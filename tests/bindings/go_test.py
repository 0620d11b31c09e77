"""go_test.py LIBRARY_DIR WORK_DIR PART: the Go package and its examples on the built library.

PART is cgo (race detector), purego (CGO_ENABLED=0, pointers checked, other systems compile) or examples (and README's program in an empty module).
Prints SKIPPED with the reason where Go or the network is absent.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GO, EXAMPLES = ROOT / "bindings/go", ROOT / "examples/go"
MODEL = ROOT / "tests/golden/data/architectures/llama.gguf"
MODULE = "github.com/librustml/librustml/bindings/go"


def run(command, folder, **environment):
    """Its output; a failure ends the test."""
    given = environment.pop("input", None)
    print("+", " ".join(map(str, command)), flush=True)
    done = subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, **environment}, input=given, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    print(done.stdout, flush=True)
    if done.returncode:
        sys.exit(f"FAILED: exit {done.returncode}")
    return done.stdout


def skipped():
    """Why this machine cannot run Go, or None."""
    if not shutil.which("go"):
        return "no go; https://go.dev/dl"
    wanted = re.search(r"^go (\d+)\.(\d+)", (GO / "go.mod").read_text(), re.M).groups()
    found = re.search(r"go(\d+)\.(\d+)", subprocess.run(["go", "version"], capture_output=True, text=True).stdout).groups()
    if tuple(map(int, found)) < tuple(map(int, wanted)):
        return f"go {'.'.join(found)} is older than go.mod's {'.'.join(wanted)}"
    fetched = subprocess.run(["go", "mod", "download"], cwd=GO, capture_output=True, text=True)
    if fetched.returncode:
        return f"purego could not be fetched: {(fetched.stderr.strip().splitlines() or ['?'])[-1]}"
    return None


def test(work, environment, flag):
    """All tests; then those without a limit in time while the collector runs all the time and overwrites what it frees."""
    binary = work / "rustml.test"
    run(["go", "test", "-c", flag, "-o", binary, "."], GO, **environment)
    run([binary], GO, **environment)
    said = run([binary, "-test.v", "-test.run", "Handles|Collector|Close|Generate|Batch|Beam|Snapshot|Fork|Reader|Callback"], GO, **environment,
               GOGC="1", GODEBUG="gcstoptheworld=1,clobberfree=1,invalidptr=1")
    if "--- PASS: TestHandlesAsPointers" not in said:
        sys.exit("FAILED: no test of handles beside the collector")


def cgo(work, environment):
    run(["go", "vet", "./..."], GO, **environment)
    test(work, environment, "-race")  # which checks pointers too


def purego(work, environment):
    environment = {**environment, "CGO_ENABLED": "0"}
    run(["go", "vet", "./..."], GO, **environment)
    test(work, environment, "-gcflags=all=-d=checkptr=1")
    for system in ("windows", "darwin"):
        run(["go", "test", "-c", "-o", work / f"{system}.test", "."], GO, **environment, GOOS=system)
    # Without a library the error says where it was looked for.
    probe = work / "probe"
    run(["go", "build", "-o", probe, "./hello"], EXAMPLES, **environment)
    absent = {"RUSTML_LIBRARY": str(work / "absent.so")}
    done = subprocess.run([probe, MODEL], env={**os.environ, **absent}, capture_output=True, text=True)
    if done.returncode == 0 or absent["RUSTML_LIBRARY"] not in done.stderr:
        sys.exit(f"FAILED: without a library: {done.stderr}")
    names = ("librustml.so.1", "librustml.so")
    places = [str(work / name) for name in names] + [f"/usr/local/lib/{name}" for name in names]
    installed = [place for place in places if os.path.exists(place)] + re.findall(
        r"librustml\.so\S*", subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout)
    if installed:
        print(f"SKIPPED places where it looks: {installed[0]} is installed on this system")
        return
    bare = {name: value for name, value in os.environ.items() if name not in ("RUSTML_LIBRARY", "LD_LIBRARY_PATH")}
    done = subprocess.run([probe, MODEL], env=bare, capture_output=True, text=True)
    tried = re.findall(r"^  (\S+): ", done.stderr, re.M)
    if done.returncode == 0 or not set(places) | set(names) <= set(tried):
        sys.exit(f"FAILED: without a library it says it tried {tried}: {done.stderr}")
    print("PASSED places where it looks")


def examples(work, environment):
    run(["go", "vet", "./..."], EXAMPLES, **environment)
    programs = work / "programs"
    run(["go", "build", "-o", f"{programs}/", "./..."], EXAMPLES, **environment)
    said = run([programs / "long_chat", MODEL, "160"], work, **environment, input="".join(f"Say something about {i}.\n" for i in range(50)))
    if said.count("prompt tokens were known)\n") != 50 or said.count("(dropped ") <= 5:
        sys.exit(f"FAILED: long_chat: {said}")
    for name, arguments, wanted in (("hello", [], ""), ("stream", ["The capital"], ""), ("chat", [], "> "),
                                    ("cancel", ["The capital", "1ms"], "the session holds"),
                                    ("snapshot", ["The capital", work / "session.snapshot"], "[saved]")):
        if wanted not in run([programs / name, MODEL, *arguments], work, **environment, input="Hello\n"):
            sys.exit(f"FAILED: {name} did not say {wanted!r}")
    program = re.search(r"```go\n(.*?)```", (GO / "README.md").read_text(), re.S).group(1)
    if program != (EXAMPLES / "hello/main.go").read_text():
        sys.exit("FAILED: README.md's program is not examples/go/hello/main.go")
    empty = work / "empty"
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir()
    (empty / "main.go").write_text(program)
    for command in (["init", "hello"], ["edit", "-replace", f"{MODULE}={GO}"], ["tidy"]):
        run(["go", "mod", *command], empty)
    for cgo_enabled in "10":
        run(["go", "run", ".", MODEL], empty, **environment, CGO_ENABLED=cgo_enabled)


def main():
    libraries, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve() / f"golang-{sys.argv[3]}"
    work.mkdir(parents=True, exist_ok=True)
    part = sys.argv[3]
    reason = skipped()
    if reason:
        for name in [part] + ["places where it looks"] * (part == "purego"):
            print(f"SKIPPED {name}: {reason}")
        sys.exit(77)
    (work / "rustml.pc").write_text(f"Name: rustml\nDescription: the build tree\nVersion: 0\nCflags: -I{ROOT / 'include'}\n"
                                    f"Libs: -L{libraries} -lrustml\n")
    unformatted = run(["gofmt", "-l", GO, EXAMPLES, ROOT / "tests/bindings"], ROOT).split()
    if unformatted:
        sys.exit(f"FAILED: gofmt -w {' '.join(unformatted)}")
    {"cgo": cgo, "purego": purego, "examples": examples}[part](work, {
        "PKG_CONFIG_PATH": str(work), "LD_LIBRARY_PATH": str(libraries), "RUSTML_LIBRARY": str(libraries / "librustml.so")})
    print(f"PASSED {part}")


main()
