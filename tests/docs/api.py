"""api.py BUILD_DIR WORK_DIR: target `docs` as a test: the pages hold every name of the headers, and what is undocumented fails.

Prints SKIPPED where doxygen is absent.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ("rustml.h", "rustml_hub.h")
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print(f"FAILED {what}")


def doxygen(config, sources, out):
    """(exit code, what it said) of Doxygen with the build's settings, reading `sources` and writing to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"^OUTPUT_DIRECTORY .*", f"OUTPUT_DIRECTORY = {out}", config, flags=re.M)
    text = text.replace(f"{ROOT}/include", str(sources))
    done = subprocess.run(["doxygen", "-"], input=text, cwd=out, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def names():
    """What the headers declare, read without Doxygen and without the filter."""
    found = set()
    for header in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", (ROOT / "include" / header).read_text(), flags=re.S)
        found |= set(re.findall(r"^#define (RUSTML_(?!HUB_API|API|H\b|HUB_H\b)\w+) ", text, re.M))
        found |= set(re.findall(r"\b(rustml_\w+)\(", text))
        found |= set(re.findall(r"^typedef struct (rustml_\w+)", text, re.M))
        for struct in re.findall(r"^typedef struct rustml_\w+ \{(.*?)^\}", text, re.M | re.S):
            for declaration in re.findall(r"^  [^;]*;", struct, re.M):
                found |= set(re.findall(r"\(\*(\w+)\)", declaration) or re.findall(r"(\w+)(?=[,;])", declaration))
    return found


def main():
    build, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve() / "api"
    if not shutil.which("doxygen"):
        print("SKIPPED docs.api: no doxygen; apt-get install doxygen")
        return 77
    shutil.rmtree(work, ignore_errors=True)
    config = (build / "docs/Doxyfile").read_text()
    subprocess.run(["cmake", "--build", build, "--target", "docs"], check=True)
    pages = "\n".join(page.read_text(errors="replace") for page in (build / "docs/html").glob("*.html"))
    wanted = names()
    check(len(wanted) > 300, f"only {len(wanted)} names")
    absent = sorted(name for name in wanted if not re.search(rf'class="memItemRight"[^\n]*\b{name}\b|class="fieldname">{name}\b|>{name}<', pages))
    check(not absent, f"not in the pages: {absent}")
    for words in ("Handles", "Long conversations", "answer_to", "Threads", "Errors", "Limits", "Snapshots", "The capital of France is"):
        check(words in (build / "docs/html/index.html").read_text(), f"the main page does not have {words!r}")

    # One of each kind without its comment: each must fail, and by its name.
    for header, old, new, name in (
            ("rustml.h", "  uint64_t seed; ", "  uint64_t unsaid;\n  uint64_t seed; ", "unsaid"),
            ("rustml.h", "#ifdef __cplusplus\n}", "#define RUSTML_UNSAID 1\n\n#ifdef __cplusplus\n}", "RUSTML_UNSAID"),
            ("rustml_hub.h", "#ifdef __cplusplus\n}", "RUSTML_HUB_API int32_t rustml_hub_unsaid(const char *id);\n\n#ifdef __cplusplus\n}", "rustml_hub_unsaid"),
            ("rustml_hub.h", "#ifdef __cplusplus\n}", "typedef struct rustml_unsaid {\n  uint32_t struct_size;\n} rustml_unsaid;\n\n#ifdef __cplusplus\n}", "rustml_unsaid")):
        changed = work / "include"
        shutil.rmtree(changed, ignore_errors=True)
        shutil.copytree(ROOT / "include", changed)
        text = (changed / header).read_text()
        assert text.count(old) >= 1, old
        (changed / header).write_text(text.replace(old, new, 1))
        code, said = doxygen(config, changed, work / "out")
        check(code != 0 and re.search(rf"\b{name}\b.*is not documented", said), f"{name} without a comment: exit {code}: {said[:300]}")
    print(f"docs.api: {len(wanted)} names, {failures} failures")
    return 1 if failures else 0


sys.exit(main())
