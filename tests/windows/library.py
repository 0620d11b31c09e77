"""library.py CHECK ...: what objdump says of the Windows library and program. Prints each breach, returns 1 if there is one.

exports OBJDUMP DLL NM LIBRARY   the DLL has the names of librustml.so, no others; SKIPPED without that library
imports OBJDUMP FILE DLL...      FILE imports from these DLLs, no others
"""

import pathlib
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_exports(objdump, dll, nm, library):
    if not pathlib.Path(library).exists():
        print(f"SKIPPED windows.exports: no {library} to compare with; build preset release")
        sys.exit(77)
    table = output(objdump, "-p", dll).split("[Ordinal/Name Pointer] Table", 1)[1]
    found = set(re.findall(r"^\s*\[\s*\d+\] (\w+)$", table, re.M))
    wanted = {line.split()[-1].split("@")[0] for line in output(nm, "-D", "--defined-only", library).splitlines() if line.split()[-2] != "A"}
    if len(wanted) < 60:
        yield f"{library}: only {len(wanted)} names found"
    yield from (f"{dll}: {name} is missing" for name in sorted(wanted - found))
    yield from (f"{dll}: {name} is not in {library}" for name in sorted(found - wanted))


def check_imports(objdump, file, *allowed):
    found = set(re.findall(r"^\s*DLL Name: (\S+)$", output(objdump, "-p", file), re.M))
    if "KERNEL32.dll" not in found:
        yield f"{file}: no import from KERNEL32.dll found; objdump's words have changed"
    yield from (f"{file}: imports from {name}" for name in sorted(found - set(allowed)))


def main():
    breaches = list(globals()[f"check_{sys.argv[1]}"](*sys.argv[2:]))
    print("\n".join(breaches) if breaches else f"{sys.argv[1]}: good")
    sys.exit(1 if breaches else 0)


main()
