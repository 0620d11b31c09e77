"""count_results.py DIR: prints "PASSED FAILED SKIPPED" on stdout; failures, skipped cases with their reasons and repeated runs on stderr.

DIR holds ctest.xml (ctest --output-junit) and one GoogleTest XML per program, rustml_<name>_test.xml for the ctest test <name>.
A GoogleTest program counts its cases. Any other test that prints lines `PASSED part` and `SKIPPED part: reason` counts one case for
each of them; one that prints none counts as one case, skipped if it exits with 77. A test that failed without a failed case (a crash,
a leak) counts as one failure more. A case that was skipped without a reason counts as failed.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def fail(self, name, why=""):
        self.failed += 1
        note(f"FAILED {name}{why}")

    def skip(self, name, reason):
        reason = " ".join((reason or "").split())
        if not reason:
            self.fail(name, ": skipped without a reason")
            return
        self.skipped += 1
        note(f"SKIPPED {name}: {reason}")


def note(line):
    print(line, file=sys.stderr)


def count_cases(path, counts):
    """The cases of a GoogleTest XML."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = f'{case.get("classname")}.{case.get("name")}'
        skipped = case.find("skipped")
        if case.find("failure") is not None:
            counts.fail(name)
        elif case.get("status") == "notrun" or case.get("result") == "suppressed":
            counts.skip(name, "disabled")
        elif skipped is not None or case.get("result") == "skipped":
            # GoogleTest puts FILE:LINE before what the test said.
            said = "" if skipped is None else skipped.text or skipped.get("message") or ""
            counts.skip(name, re.sub(r"^\S+:\d+\s*\n?", "", said))
        else:
            counts.passed += 1


def count_lines(name, output, ok, stopped, counts):
    """The cases of a program that is not GoogleTest's; stopped: it exited with 77."""
    parts = re.findall(r"^(PASSED|SKIPPED) ([^:\n]*)(?:: *(.*))?$", output, re.MULTILINE)
    for word, part, reason in parts:
        if word == "SKIPPED":
            counts.skip(part if part.startswith(name) else f"{name}: {part}", reason)
        else:
            counts.passed += 1
    if not parts:
        if stopped:
            counts.skip(name, "")
        elif ok:
            counts.passed += 1


def main(folder):
    counts = Counts()
    for test in ElementTree.parse(folder / "ctest.xml").iter("testcase"):
        name, status, output = test.get("name"), test.get("status"), test.findtext("system-out") or ""
        skipped = test.find("skipped")
        stopped = status == "notrun" and skipped is not None and "SKIP_RETURN_CODE" in (skipped.get("message") or "")
        if status in ("disabled", "notrun") and not stopped:
            counts.fail(name, ": ctest did not run it; is it built?")
            continue
        for line in re.findall(r"^RETRIED .*$", output, re.MULTILINE):
            note(line)
        ok, failed = status == "run", counts.failed
        cases = folder / f"rustml_{name}_test.xml"
        if cases.exists():
            try:
                count_cases(cases, counts)
            except ElementTree.ParseError:
                counts.fail(name, f": {cases.name} is cut off")
        else:
            count_lines(name, output, ok, stopped, counts)
        if not ok and not stopped and counts.failed == failed:
            counts.fail(name, ": the program failed as a whole")
    print(counts.passed, counts.failed, counts.skipped)


main(pathlib.Path(sys.argv[1]))
