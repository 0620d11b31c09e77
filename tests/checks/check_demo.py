#!/usr/bin/env python3
"""check_demo.py BUILD: whatever scripts/demo installs and this build makes is made by the targets that scripts/demo builds, so that it
works in a fresh clone, where nothing else has been built yet."""
import pathlib
import re
import subprocess
import sys

build = pathlib.Path(sys.argv[1]).resolve()
demo = pathlib.Path(__file__).parents[2] / "scripts" / "demo"


def ninja(*arguments):
    text = subprocess.run(["ninja", "-C", build, "-t", *arguments], check=True, capture_output=True, text=True).stdout
    return [line.strip() for line in text.splitlines() if not line.startswith("ninja:")]


targets = re.search(r"cmake --build --preset release --target (.+)", demo.read_text())[1].split()
made = {line.rsplit(": ", 1)[0] for line in ninja("targets", "all") if not line.endswith(": phony")}
by_demo = set(re.split(r"[\s;]+", " ".join(ninja("commands", *targets))))
scripts = [build / "cmake_install.cmake", *build.glob("src/**/cmake_install.cmake")]
installed = {path for s in scripts for path in re.findall(re.escape(f"{build}/") + r'([^";\s]+)', s.read_text())} & made
missing = sorted(installed - by_demo)
print(f"{len(installed)} built files are installed, {len(missing)} of them not built by: {' '.join(targets)}")
for path in missing:
    print(f"  {path}: add its target to scripts/demo")
sys.exit(1 if missing or not installed else 0)
