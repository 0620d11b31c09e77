"""check_hardening.py READELF CRTI [--no-fortify] FILE...: what cmake/hardening.cmake asks for, read back from what was built.

FILE: librustml.so, librustml-hub.so, rustml-infer, and object files of the rooms. Prints each breach, returns 1 if there is one.
CRTI: the system's crti.o. Where it has no note of the processor's branch tracking and shadow stacks, no linked file can have one
(the linker keeps the note only if every part has it); the objects of the rooms have it in any case.
"""

import re
import subprocess
import sys

NOTES = {"X86-64": ("IBT", "SHSTK"), "AArch64": ("BTI", "PAC")}


class File:
    def __init__(self, readelf, path):
        self.path = path

        def read(*options):
            return subprocess.run([readelf, "-W", *options, path], check=True, capture_output=True, text=True).stdout

        header = read("-h")
        self.kind = re.search(r"Type: +(\w+)", header).group(1)
        self.machine = next((machine for machine in NOTES if machine in header), None)
        self.notes = set(re.findall(r"\b(IBT|SHSTK|BTI|PAC)\b", "".join(re.findall(r"feature: (.*)", read("-n")))))
        self.segments, self.dynamic = read("-l"), read("-d")
        self.imports = {line.split()[7].split("@")[0] for line in read("--dyn-syms").splitlines() if " UND " in line and len(line.split()) > 7}

    def lacks_note(self):
        return self.machine and not set(NOTES[self.machine]) <= self.notes

    def breaches(self, fortified, noted):
        if noted and self.lacks_note():
            yield f"no note of {' and '.join(NOTES[self.machine])}"
        if self.kind == "REL":
            return
        if self.kind != "DYN":
            yield f"is of type {self.kind}, so its addresses are fixed"
        if "GNU_RELRO" not in self.segments:
            yield "no GNU_RELRO: its table of functions stays writable"
        if not re.search(r"\(FLAGS\).*\bBIND_NOW\b|\(FLAGS_1\).*\bNOW\b", self.dynamic):
            yield "no BIND_NOW: its table of functions stays writable"
        if not re.search(r"GNU_STACK.* RW +0x", self.segments):
            yield "its stack may be executed"
        if "TEXTREL" in self.dynamic:
            yield "TEXTREL: its code is written to when it is loaded"
        if "__stack_chk_fail" not in self.imports:
            yield "no stack protector: __stack_chk_fail is not imported"
        if fortified and not any(name.startswith("__") and name.endswith("_chk") for name in self.imports):
            yield "no _FORTIFY_SOURCE: no function __*_chk is imported"


def main():
    readelf, crti, *paths = sys.argv[1:]
    fortified = "--no-fortify" not in paths
    files = [File(readelf, path) for path in paths if path != "--no-fortify"]
    linked = [file for file in files if file.kind != "REL"]
    objects = [file for file in files if file.kind == "REL"]
    if not linked or not objects:
        sys.exit("check_hardening.py: wants linked files and objects")
    noted = not File(readelf, crti).lacks_note()
    if not noted:
        print(f"SKIPPED notes of linked files: this system's {crti} has none for {linked[0].machine}; those of objects are looked at")
    found = [f"{file.path}: {breach}" for file in files for breach in file.breaches(fortified, noted or file.kind == "REL")]
    if noted and not found:
        print("PASSED notes of linked files")
    print("\n".join(found) if found else f"PASSED hardening: {len(linked)} linked files and {len(objects)} objects")
    sys.exit(1 if found else 0)


main()
