"""wine.py PREFIX PROGRAM [ARGUMENT...]: runs a Windows program under Wine, in a prefix of its own, with nothing of the user's.

wine.py PREFIX --prepare DLL: makes the prefix and puts that stand-in for what Wine 8 lacks into it.

Wine ends a multi-threaded program now and then with a code and no word (3 of 18,000 runs were seen). Such a run is repeated once, which a line
"RETRIED ..." says; a program that has written anything to stderr, or that was too slow, has spoken for itself.
"""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bindings"))
from powers import drop_powers  # noqa: E402: wineserver opens the files of all programs, with the powers of the one that started it


def environment(prefix):
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "LC_ALL", "LANG")}
    # C.UTF-8: with C Wine cannot open names beyond ASCII. The overrides keep Wine from asking for Mono and Gecko, and its debugger away.
    return {**kept, "WINEPREFIX": str(prefix), "WINEARCH": "win64", "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8",
            "WINEDLLOVERRIDES": "mscoree,mshtml,winedbg.exe="}


def run(prefix, command, **options):
    """subprocess.run of a Windows program, its output as bytes."""
    more = {**options.pop("env", {}), **environment(prefix)}
    for attempt in (1, 2):
        done = subprocess.run(["wine", *map(str, command)], env=more, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=drop_powers, **options)
        if done.returncode == 0 or done.stderr or attempt == 2:
            return done
        words = " ".join(map(str, command[1:]))
        print(f"RETRIED {pathlib.Path(str(command[0])).name} {words}: Wine ended it with {done.returncode} after {len(done.stdout)} bytes", flush=True)


def prepare(prefix, stand_in):
    alone = {"env": environment(prefix), "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "preexec_fn": drop_powers}
    if prefix.exists():
        subprocess.run(["wineserver", "-k"], stderr=subprocess.DEVNULL, **alone)
        shutil.rmtree(prefix)
    prefix.mkdir(parents=True)
    # The server stays for a minute after the last program. One that a program started would keep that program's pipes, and so its
    # caller, until it ends 3 s later.
    subprocess.run(["wineserver", "-p60"], stderr=subprocess.DEVNULL, **alone)
    with open(prefix / "wineboot.log", "w+", encoding="utf-8", errors="replace") as log:
        done = subprocess.run(["wineboot", "-i"], stderr=log, timeout=300, **alone)
        log.seek(0)
        said = log.read()
    there = prefix / "drive_c/windows/system32"
    if done.returncode or not there.is_dir():
        sys.exit(f"FAILED: wineboot: exit {done.returncode}: {said}")
    if not (there / stand_in.name).exists():
        shutil.copy(stand_in, there)


def main():
    prefix = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2] == "--prepare":
        prepare(prefix, pathlib.Path(sys.argv[3]))
        return
    done = run(prefix, sys.argv[2:], stdin=subprocess.DEVNULL)
    sys.stdout.buffer.write(done.stdout)
    sys.stderr.buffer.write(done.stderr)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
