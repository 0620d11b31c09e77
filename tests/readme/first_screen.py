"""first_screen.py: what somebody who opens README.md learns without scrolling: what it is, why it is better, what it does not do, and how to
get a first answer in C. Each question needs plain statements that can be checked in the first 60 lines. The whole has at most 900 words."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
SCREEN = "\n".join(README.split("\n")[:60])
PROSE = re.sub(r"```.*?```", "", SCREEN, flags=re.S)


def sentences(*words):
    """The sentences of the first screen that have all of these words."""
    flat = re.sub(r"\s+", " ", PROSE)
    return [s for s in re.split(r"(?<=[.:]) ", flat) if all(re.search(rf"\b{w}", s, re.I) for w in words)]


def what_is_it():
    first = sentences("language models", "inside your program")
    return bool(first) and bool(sentences("shared library", "C API")) and bool(sentences("GGUF"))


def why_better():
    """Six figures against a named rival, with what was measured, on what, and where to check; and two claims that are no speed."""
    rows = re.findall(r"^\| (?:decoding|prompt)[^|]*\|(.*)\|$", SCREEN, re.M)
    figures = [float(cell) for row in rows for cell in row.split("|")]
    head = re.search(r"^\| ÷ llama\.cpp \|(.*)\|$", SCREEN, re.M)
    return len(figures) == 6 and min(figures) > 1 and head and bool(sentences("llama.cpp", "median", "threads")) and "bench/RESULTS.md" in SCREEN and \
        bool(sentences("ABI", "frozen")) and bool(sentences("never ends your process"))


def what_not():
    """One sentence denies a GPU, a server, macOS and published packages."""
    return any(re.search(r"\b(no|not|none|neither)\b", s) for s in sentences("GPU", "server", "macOS", "published"))


def first_answer_in_c():
    """A command to type that ends in an answer of a C program which exists, and the beginning of a program to copy."""
    command = re.search(r"^(scripts/\w+)[^\n]*#[^\n]*\bin C \((examples/c/\w+\.c)\)", SCREEN, re.M)
    if not command or not (ROOT / command.group(2)).exists():
        return False
    builds = re.search(rf"^cc {re.escape(command.group(2))} ", (ROOT / command.group(1)).read_text(), re.M)
    program = re.search(r"```c\n#include <rustml\.h>.*?^int main\(", SCREEN, re.S | re.M)
    return bool(builds and program)


def main():
    questions = {"what is it": what_is_it, "why is it better": why_better, "what does it not do": what_not, "a first answer in C": first_answer_in_c}
    wrong = [f"the first screen of README.md does not answer: {name}" for name, answered in questions.items() if not answered()]
    words = len(README.split())
    if words > 900:
        wrong.append(f"README.md has {words} words, at most 900")
    print("\n".join(wrong) or f"ok: four questions, {words} words")
    return 1 if wrong else 0


sys.exit(main())
