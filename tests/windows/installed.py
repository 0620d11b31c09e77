"""installed.py PREFIX BUILD_DIR COMPILER NATIVE_LIBRARY_DIR WORK_DIR: `cmake --install` of the Windows build, and what a stranger does with it.

Compiles examples/c/snapshot.c with what was installed, and again for this machine; each saves a session that the other one continues, with the
same text, on a tiny model and, with RUSTML_SMOLLM2, on a real one. That part is SKIPPED without the native library.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import wine

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/c/snapshot.c"
PREFIX, BUILD, COMPILER, NATIVE, WORK = sys.argv[1], *map(pathlib.Path, sys.argv[2:6])


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


def continued(model, name, prompt, on_windows, here):
    """What each program prints after loading each one's snapshot, beginning with its own."""
    answers = []
    for writer, save in (("windows", on_windows), ("linux", here)):
        file = WORK / f"{name}-{writer}.snapshot"
        save(model, "save", file, prompt)
        answers += [load(model, "load", file) for load in (on_windows, here)]
    if not answers[0] or len(set(answers)) != 1:
        sys.exit(f"FAILED: {name}: snapshots are continued differently: {answers}")


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    installed = WORK / "prefix"
    run("cmake", "--install", BUILD, "--prefix", installed)
    for name in ("bin/rustml.dll", "bin/rustml-infer.exe", "lib/librustml.dll.a", "include/rustml.h", "lib/pkgconfig/rustml.pc",
                 "lib/cmake/rustml/rustml-config.cmake"):
        if not (installed / name).exists():
            sys.exit(f"FAILED: {name} was not installed")
    program = installed / "bin/snapshot.exe"
    run(COMPILER, "-O1", f"-I{installed / 'include'}", EXAMPLE, "-o", program, f"-L{installed / 'lib'}", "-lrustml")
    print("PASSED what is installed")
    if not NATIVE.exists():
        for part in ("snapshots between systems", "snapshots of SmolLM2 between systems"):
            print(f"SKIPPED {part}: no {NATIVE}; build preset release")
        return
    native = WORK / "snapshot"
    run("cc", "-O1", f"-I{ROOT / 'include'}", EXAMPLE, "-o", native, f"-L{NATIVE}", "-lrustml", f"-Wl,-rpath,{NATIVE}")

    def on_windows(*arguments):
        done = wine.run(PREFIX, [program, *arguments], timeout=300)
        if done.returncode:
            sys.exit(f"FAILED: snapshot.exe {arguments}: exit {done.returncode} {done.stderr.decode(errors='replace')}")
        return done.stdout.replace(b"\r\n", b"\n")  # the example writes text

    def here(*arguments):
        return run(native, *arguments)

    continued(ROOT / "tests/golden/data/base_q8_0.gguf", "tiny", "The capital", on_windows, here)
    print("PASSED snapshots between systems")
    if os.environ.get("RUSTML_SMOLLM2"):
        continued(os.environ["RUSTML_SMOLLM2"], "SmolLM2", "The capital of France is", on_windows, here)
        print("PASSED snapshots of SmolLM2 between systems")
    else:
        print("SKIPPED snapshots of SmolLM2 between systems: set RUSTML_SMOLLM2=$(scripts/fetch-model)")


main()
