"""count_results.py DIR: prints "PASSED FAILED" on stdout, failures, skipped groups and repeated runs on stderr.

DIR holds ctest.xml (ctest --output-junit) and one GoogleTest XML per program, rustml_<name>_test.xml for the ctest test
<name>. A GoogleTest program counts its cases; any other test counts as one. A program that failed without a failed case
(a crash, a leak) counts as one failure more.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def note(line):
    print(line, file=sys.stderr)


def count_cases(path):
    """(passed, failed) of a GoogleTest XML; skipped cases are reported and count as neither."""
    passed = failed = 0
    for case in ElementTree.parse(path).iter("testcase"):
        name = f'{case.get("classname")}.{case.get("name")}'
        if case.get("status") == "notrun":
            note(f"SKIPPED {name}: disabled")
        elif case.find("failure") is not None:
            failed += 1
            note(f"FAILED {name}")
        elif case.get("result") == "skipped" or case.find("skipped") is not None:
            reason = case.find("skipped")
            note(f'SKIPPED {name}: {reason.get("message") if reason is not None else ""}')
        else:
            passed += 1
    return passed, failed


def main(folder):
    passed = failed = 0
    for test in ElementTree.parse(folder / "ctest.xml").iter("testcase"):
        name = test.get("name")
        ok = test.get("status") == "run"
        if test.get("status") in ("disabled", "notrun"):
            note(f"SKIPPED {name}: not run by ctest")
            continue
        output = test.findtext("system-out") or ""
        for line in re.findall(r"^(?:SKIPPED|RETRIED) .*$", output, re.MULTILINE):
            note(line)
        cases = folder / f"rustml_{name}_test.xml"
        case_passed = case_failed = 0
        if cases.exists():
            try:
                case_passed, case_failed = count_cases(cases)
            except ElementTree.ParseError:
                note(f"FAILED {name}: {cases.name} is cut off")
        elif ok:
            case_passed = 1
        if not ok and case_failed == 0:
            case_failed = 1
            note(f"FAILED {name}: the program failed as a whole")
        passed += case_passed
        failed += case_failed
    print(passed, failed)


main(pathlib.Path(sys.argv[1]))
