"""cases.py LIBRARY_DIR WORK_DIR [LANGUAGE...]: cases.json in every language that has its tools, then snapshots between all pairs.

A language is a function in RUNNERS that builds its runner and returns (command, environment), or raises Skipped. README.md says what runners do.
"""

import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from powers import drop_powers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT / "tests/golden/data"


class Skipped(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Skipped(reason)


def build(command, folder, **environment):
    done = subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def c(libraries, work):
    program = work / "cases_c"
    build(["cc", "-std=c11", "-O1", "-g", "-Wall", "-Wextra", f"-I{ROOT / 'include'}", HERE / "cases_c.c", "-o", program, f"-L{libraries}",
           "-lrustml", "-lcjson", "-lpthread", "-lm"], ROOT)
    return [program], {}


def python(libraries, work):
    return [sys.executable, HERE / "cases_python.py"], {"PYTHONPATH": str(ROOT / "bindings/python"), "PYTHONDONTWRITEBYTECODE": "1"}


def rust(libraries, work):
    need(shutil.which("cargo"), "no cargo; https://rustup.rs")
    environment = {"CARGO_TARGET_DIR": str(work / "cargo"), "RUSTML_LIB_DIR": str(libraries)}
    folder = ROOT / "bindings/rust"
    need(subprocess.run(["cargo", "fetch", "--locked", "-q"], cwd=folder).returncode == 0, "crates could not be fetched")
    build(["cargo", "build", "--offline", "--locked", "-q", "-p", "rustml-cases"], folder, **environment)
    return [work / "cargo/debug/rustml-cases"], {}


def go(cgo, libraries, work, **system):
    need(shutil.which("go"), "no go; https://go.dev/dl")
    folder = ROOT / "bindings/go"
    need((HERE / "cases_go.go").exists(), "its runner is not in this tree")
    need(subprocess.run(["go", "mod", "download"], cwd=folder, capture_output=True).returncode == 0, "purego could not be fetched")
    (work / "rustml.pc").write_text(f"Name: rustml\nDescription: the build tree\nVersion: 0\nCflags: -I{ROOT / 'include'}\nLibs: -L{libraries} -lrustml\n")
    build(["go", "build", "-o", work / "cases_go", *sorted(HERE.glob("cases_go*.go"))], folder, CGO_ENABLED=cgo, PKG_CONFIG_PATH=str(work),
          **system)
    return [work / "cases_go"], {}


def go_on_windows(libraries, work):
    need("RUSTML_DLL" in os.environ, "run by tests/windows only")
    (program,), _ = go("0", libraries, work, GOOS="windows", GOARCH="amd64")
    exe = program.rename(program.with_suffix(".exe"))
    return [sys.executable, HERE.parent / "windows/wine.py", os.environ["RUSTML_WINE_PREFIX"], exe], {"RUSTML_LIBRARY": os.environ["RUSTML_DLL"]}


def csharp(libraries, work):
    need((HERE / "csharp/Cases.cs").exists(), "its runner is not in this tree")
    import csharp_tools
    try:
        tools = csharp_tools.Tools(work)
    except csharp_tools.Skipped as reason:
        raise Skipped(reason) from None
    program = tools.program("Cases", [HERE / "csharp" / name for name in ("Cases.cs", "Steps.cs", "Numbers.generated.cs")])
    return tools.command(program), tools.environment


RUNNERS = {
    "c": c,
    "python": python,
    "go-cgo": lambda libraries, work: go("1", libraries, work),
    "go-purego": lambda libraries, work: go("0", libraries, work),
    "go-windows": go_on_windows,
    "rust": rust,
    "csharp": csharp,
}


def prepare(work):
    """The files that cases name with {work}, and cases.json without what this machine cannot show."""
    work.mkdir(parents=True, exist_ok=True)
    model = (DATA / "architectures/llama.gguf").read_bytes()
    (work / "cut.gguf").write_bytes(model[:len(model) // 2])
    (work / "lxama.gguf").write_bytes(model.replace(b"llama", b"lxama"))
    forbidden = work / "forbidden.gguf"
    forbidden.unlink(missing_ok=True)
    forbidden.write_bytes(model)
    forbidden.chmod(0)
    cases = json.loads((HERE / "cases.json").read_text())
    if subprocess.run(["cat", forbidden], preexec_fn=drop_powers, capture_output=True).returncode == 0:
        print("SKIPPED permissions: this process may read everything")
        cases["cases"] = [case for case in cases["cases"] if case.get("requires") != "permissions"]
    else:
        print("PASSED permissions")
    (work / "cases.json").write_text(json.dumps(cases))
    return cases


# What runners say of a step that was right, but took longer than its limit.
LATE = re.compile(r"FAILED .* took .*, wanted at most [\d.]+ ms$")


def start(*arguments):
    """Runs it; (what it published, the number of its failures). Limits in time must be kept in one of three runs, everything else in each."""
    for tries in (1, 2, 3):
        published, failed, late = start_once(*arguments)
        if not late or failed > late or tries == 3:
            return published, failed
        print(f"RETRIED {arguments[0]} after run {tries} of 3: nothing but limits in time exceeded", flush=True)


def start_once(language, runner, libraries, work, *more):
    """Runs it once; (what it published, the number of its failures, how many of these are steps that were only late)."""
    command, environment = runner
    out = work / f"out-{language}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    paths = {"LD_LIBRARY_PATH": str(libraries), "RUSTML_LIBRARY": str(libraries / "librustml.so")}
    done = subprocess.run([*map(str, command), "--cases", work / "cases.json", "--data", DATA, "--work", work, "--out", out, *more],
                          env={**os.environ, **paths, **environment}, preexec_fn=drop_powers, stdout=subprocess.PIPE, text=True, timeout=600)
    lines = done.stdout.splitlines()
    published = {}
    for line in lines:
        if line.startswith("PUBLISH "):
            at = min(i for i in (line.find(" ["), line.find(' "')) if i > 0)
            published[line[8:at]] = json.loads(line[at + 1:])
    ran = sum(line.startswith(("ok ", "n/a ")) for line in lines)
    print(f"{language} {' '.join(more[:1])}: {ran} ok" + "".join(f"\n  {line}" for line in lines if line.startswith(("FAILED", "n/a"))), flush=True)
    failed = sum(line.startswith("FAILED") for line in lines)
    late = sum(LATE.match(line) is not None for line in lines)
    wanted = len(json.loads((work / "cases.json").read_text())["exchange" if more else "cases"])
    if ran + failed != wanted or (done.returncode != 0) != (failed > 0):
        print(f"FAILED {language}: exit {done.returncode}, {ran + failed} of {wanted} reported")
        failed += 1
    return published, failed, late


def compare(found):
    """Every key that several languages published must have one value."""
    failed = 0
    for key in sorted({key for published in found.values() for key in published}):
        values = {language: published[key] for language, published in found.items() if key in published}
        if len(set(map(json.dumps, values.values()))) != 1:
            failed += 1
            print(f"FAILED {key} differs: {values}")
    return failed


def exchange(runners, cases, libraries, work):
    failed, whole = 0, {}
    for writer in runners:
        folder = work / f"snapshots-{writer}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        whole[writer], bad = start(writer, runners[writer], libraries, work, "--write", folder)
        failed += bad
    failed += compare(whole)
    for writer, reader in itertools.product(runners, runners):
        tails, bad = start(reader, runners[reader], libraries, work, "--read", work / f"snapshots-{writer}")
        failed += bad
        for one in cases["exchange"]:
            name, n = one["name"], one["save_after"]
            ids = whole[writer].get(f"exchange {name}")
            tail = tails.get(f"exchange tail {name}")
            text, more = whole[writer].get(f"exchange text {name}"), tails.get(f"exchange text {name}")
            if not ids or tail != ids[n:] or text != more or ids != one.get("want_ids", ids):
                failed += 1
                print(f"FAILED {name} written by {writer}, continued by {reader}: {tail} {more!r} instead of {ids and ids[n:]} {text!r}")
    print(f"snapshots: {len(runners)} x {len(runners)} languages")
    return failed


def main():
    libraries, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    cases, runners, failed = prepare(work), {}, 0
    for language in sys.argv[3:] or [name for name in RUNNERS if name != "go-windows"]:
        folder = work / language
        folder.mkdir(exist_ok=True)
        try:
            runners[language] = RUNNERS[language](libraries, folder)
        except Skipped as reason:
            print(f"SKIPPED {language}: {reason}")
        except RuntimeError as problem:
            failed += 1
            print(f"FAILED to build the runner of {language}: {problem}")
    found = {}
    for language, runner in runners.items():
        found[language], bad = start(language, runner, libraries, work)
        failed += bad
        if not bad:
            print(f"PASSED {language}")
    failed += compare(found) + exchange(runners, cases, libraries, work)
    sys.exit(f"{failed} FAILED" if failed else 0)


main()
