"""bindings.py PACKAGES_DIR WORK_DIR: the bindings as they lie in the .tar.gz, by their own tools, and an example in each language.

The Rust crates are built from an installation by tests/bindings/rust.py. Prints SKIPPED with the reason where a tool is absent.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bindings"))
import csharp_tools  # noqa: E402
from run import Skipped, fetched, need  # noqa: E402

MODEL = ROOT / "tests/golden/data/architectures/llama.gguf"


def answer(command, folder, **environment):
    """What the command prints, which must be something; a failure ends the test."""
    kept = {name: value for name, value in os.environ.items() if name not in ("RUSTML_LIBRARY", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "PYTHONPATH")}
    print("+", " ".join(map(str, command)), flush=True)
    done = subprocess.run([str(word) for word in command], cwd=folder, env={**kept, **environment}, capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        sys.exit(f"FAILED: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def python(prefix, examples):
    environment = {"PYTHONPATH": str(prefix / "share/rustml/python"), "PYTHONDONTWRITEBYTECODE": "1"}
    answer([sys.executable, examples / "python/hello.py", MODEL], prefix, **environment)


def go(prefix, examples, libraries):
    need("go", "https://go.dev/dl")
    fetched(["go", "mod", "download"], examples / "go", "purego")
    found = {"PKG_CONFIG_PATH": str(libraries / "pkgconfig"), "LD_LIBRARY_PATH": str(libraries)}
    listed = answer(["go", "list", "-m", "-f", "{{.Dir}}", "github.com/librustml/librustml/bindings/go"], examples / "go")
    if pathlib.Path(listed.strip()).resolve() != (prefix / "share/rustml/go").resolve():
        sys.exit(f"FAILED: go.mod of the examples leads to {listed}")
    said = {answer(["go", "run", "./hello", MODEL], examples / "go", CGO_ENABLED=cgo, **found) for cgo in "10"}
    if len(said) != 1:
        sys.exit(f"FAILED: with and without cgo: {said}")


def csharp(prefix, examples, libraries, work):
    tools = csharp_tools.Tools(work / "csharp")
    (tools.work / "Rustml.dll").unlink(missing_ok=True)
    tools.sources = prefix / "share/rustml/csharp/Rustml"
    program = tools.program("Hello", [examples / "csharp/Hello.cs"])
    answer([*tools.command(program), MODEL], work, LD_LIBRARY_PATH=str(libraries), **tools.environment)


def main():
    packages, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    unpacked = work / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    [archive] = packages.glob("librustml-*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(unpacked)
    [prefix] = unpacked.iterdir()
    [config] = prefix.rglob("rustml.pc")
    examples, libraries = prefix / "share/doc/rustml/examples", config.parents[1]
    for language, parts in (("python", [python]), ("go", [go, libraries]), ("csharp", [csharp, libraries, work])):
        test, *more = parts
        try:
            test(prefix, examples, *more)
            print(f"PASSED {language}")
        except (Skipped, csharp_tools.Skipped) as reason:
            print(f"SKIPPED {language}: {reason}")


main()
