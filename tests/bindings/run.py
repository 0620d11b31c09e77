"""run.py LANGUAGE LIBRARY_DIR WORK_DIR: the raw layer of one binding on the built library, then on two that do not fit.

LANGUAGE is python, go-cgo, go-purego, rust or csharp. Prints SKIPPED with the reason where a tool or the network is absent.
Both have every exported name. One returns another layout hash, as after two fields of a struct were swapped; the other is older
and does not know the binding's version. Each binding must refuse each, in words.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GO, RUST = ROOT / "bindings/go", ROOT / "bindings/rust"


class Skipped(Exception):
    pass


def need(tool, package):
    if not shutil.which(tool):
        raise Skipped(f"no {tool}; {package}")


def run(command, folder=ROOT, **environment):
    print("+", " ".join(map(str, command)), flush=True)
    subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, **environment}, check=True)


def fetched(command, folder, what):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise Skipped(f"{what} could not be fetched: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


# What a binding says of a library -> the hash it returns.
MISFITS = {"another layout": 12345, "does not know": 0}


def other_library(work, misfit="another layout"):
    """A librustml.so with the same names that does not fit."""
    folder = work / misfit.replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    major = re.search(r"RUSTML_VERSION_MAJOR (\d+)", (ROOT / "include/rustml.h").read_text()).group(1)
    names = re.findall(r"^  (rustml_\w+)$", (ROOT / "src/api/rustml.def").read_text(), re.M)
    special = {"rustml_abi_version": "unsigned rustml_abi_version(void) { return 1; }",
               "rustml_abi_layout_hash": "unsigned long long rustml_abi_layout_hash(unsigned a, unsigned b) { "
                                         f"(void)a; (void)b; return {MISFITS[misfit]}; }}",
               "rustml_version": 'const char *rustml_version(void) { return "another"; }'}
    source = folder / "other.c"
    source.write_text("\n".join(special.get(name, f"int {name}(void) {{ return 13; }}") for name in names) + "\n")
    run(["cc", "-shared", "-fPIC", f"-Wl,-soname,librustml.so.{major}", f"-Wl,--version-script={ROOT / 'src/api/rustml.map'}", "-o",
         folder / f"librustml.so.{major}", source])
    if not (folder / "librustml.so").exists():
        (folder / "librustml.so").symlink_to(f"librustml.so.{major}")
    return folder


def python(work):
    def test(**environment):
        for name in ["raw"] if "RUSTML_EXPECT_REFUSAL" in environment else ["raw", "package", "examples"]:
            run([sys.executable, f"bindings/python/tests/test_{name}.py"], PYTHONPATH=str(ROOT / "bindings/python"), PYTHONDONTWRITEBYTECODE="1", **environment)
    return test


def go(work, **environment):
    need("go", "https://go.dev/dl")
    wanted = re.search(r"^go (\d+)\.(\d+)", (GO / "go.mod").read_text(), re.M).groups()
    found = re.search(r"go(\d+)\.(\d+)", subprocess.run(["go", "version"], capture_output=True, text=True).stdout).groups()
    if tuple(map(int, found)) < tuple(map(int, wanted)):
        raise Skipped(f"go {'.'.join(found)} is older than go.mod's {'.'.join(wanted)}")
    fetched(["go", "mod", "download"], GO, "purego")
    unformatted = subprocess.run(["gofmt", "-l", "."], cwd=GO, capture_output=True, text=True).stdout.split()
    if unformatted:
        sys.exit(f"FAILED go: gofmt -w {' '.join(unformatted)}")
    run(["go", "vet", "./..."], GO, **environment)
    binary = work / f"raw_{environment['CGO_ENABLED']}.test"
    run(["go", "test", "-c", "-o", binary, "./internal/raw"], GO, **environment)
    return lambda **more: run([binary, "-test.v"], **more)


def go_cgo(work, libraries):
    need("pkg-config", "apt-get install pkg-config")
    (work / "rustml.pc").write_text(f"Name: rustml\nDescription: the build tree\nVersion: 0\nCflags: -I{ROOT / 'include'}\n"
                                    f"Libs: -L{libraries} -lrustml\n")
    return go(work, CGO_ENABLED="1", PKG_CONFIG_PATH=str(work))


def rust(work):
    need("cargo", "https://rustup.rs")
    fetched(["cargo", "fetch", "--locked"], RUST, "the crate pkg-config")
    run(["cargo", "fmt", "--check"], RUST)
    command = ["cargo", "test", "--offline", "--locked", "-q", "-p", "librustml-sys"]
    return lambda **environment: run(command, RUST, CARGO_TARGET_DIR=str(work / "cargo"), RUSTML_LIB_DIR=environment["LD_LIBRARY_PATH"],
                                     **environment)


def csharp(work):
    need("mcs", "apt-get install mono-mcs")
    need("mono", "apt-get install mono-runtime")
    program = work / "RawTest.exe"
    sources = [*sorted((ROOT / "bindings/csharp/Rustml").glob("Native*.cs")), ROOT / "bindings/csharp/tests/RawTest.cs"]
    run(["mcs", "-unsafe", "-warnaserror", "-warn:4", "-langversion:7.2", f"-out:{program}", *sources])
    return lambda **environment: run(["mono", program], **environment)


def main():
    language, libraries, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve() / sys.argv[1]
    work.mkdir(parents=True, exist_ok=True)
    prepare = {"python": lambda: python(work), "go-cgo": lambda: go_cgo(work, libraries), "go-purego": lambda: go(work, CGO_ENABLED="0"),
               "rust": lambda: rust(work), "csharp": lambda: csharp(work)}[language]
    try:
        test = prepare()
        test(LD_LIBRARY_PATH=str(libraries), RUSTML_LIBRARY=str(libraries / "librustml.so"))
        for misfit in MISFITS:
            other = other_library(work, misfit)
            test(LD_LIBRARY_PATH=str(other), RUSTML_LIBRARY=str(other / "librustml.so"), RUSTML_EXPECT_REFUSAL=misfit)
        print(f"PASSED {language}")
    except Skipped as reason:
        print(f"SKIPPED {language}: {reason}")
        sys.exit(77)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"FAILED {language}: {failed}")


if __name__ == "__main__":
    main()
