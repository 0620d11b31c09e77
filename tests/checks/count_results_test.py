"""What count_results.py makes of results in the forms that CTest 3.25 and GoogleTest 1.12 write them."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("count_results.py")
STOPPED = '<skipped message="SKIP_RETURN_CODE=77"/>'


def case(name, status="run", output="", more=""):
    return f'<testcase name="{name}" classname="{name}" status="{status}">{more}<system-out>{output}</system-out></testcase>'


def skipped(name, text):
    return (f'<testcase classname="A" name="{name}" status="run" result="skipped"><skipped message="/a b.cpp:3&#x0A;{text}">'
            f"<![CDATA[/a/b.cpp:3\n{text}]]></skipped></testcase>")


GOOD = '<testcase classname="A" name="good" status="run" result="completed" />'
BAD = '<testcase classname="A" name="bad" status="run" result="completed"><failure message="/a.cpp:1" /></testcase>'


class CountResults(unittest.TestCase):
    def count(self, ctest, **programs):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "ctest.xml").write_text(f"<testsuite>{ctest}</testsuite>")
            for name, cases in programs.items():
                pathlib.Path(folder, f"rustml_{name}_test.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
            done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=True)
        return tuple(map(int, done.stdout.split())), done.stderr.splitlines()

    def test_cases_of_googletest(self):
        counts, said = self.count(case("a", "fail"), a=GOOD + BAD + skipped("real", "set MODEL=$(fetch)"))
        self.assertEqual(counts, (1, 1, 1))
        self.assertEqual(said, ["FAILED A.bad", "SKIPPED A.real: set MODEL=$(fetch)"])

    def test_a_skip_without_a_reason_fails(self):
        self.assertEqual(self.count(case("a"), a=GOOD + skipped("mute", ""))[0], (1, 1, 0))
        self.assertEqual(self.count(case("go", "notrun", "SKIPPED go\n", STOPPED))[0], (0, 1, 0))
        self.assertEqual(self.count(case("go", "notrun", "", STOPPED))[0], (0, 1, 0))

    def test_other_programs_count_as_one(self):
        self.assertEqual(self.count(case("names", output="3 names\n"))[0], (1, 0, 0))
        self.assertEqual(self.count(case("names", "fail", "3 names\n"))[0], (0, 1, 0))
        self.assertEqual(self.count(case("go", "notrun", "SKIPPED go: no go\n", STOPPED)), ((0, 0, 1), ["SKIPPED go: no go"]))

    def test_parts_are_counted(self):
        whole = self.count(case("stop", output="PASSED tiny\nPASSED real\n"))
        part = self.count(case("stop", output="PASSED tiny\nSKIPPED real: set MODEL\n"))
        none = self.count(case("stop", "notrun", "SKIPPED tiny: no shell\nSKIPPED real: no shell\n", STOPPED))
        self.assertEqual([counts for counts, _ in (whole, part, none)], [(2, 0, 0), (1, 0, 1), (0, 0, 2)])
        self.assertEqual(part[1], ["SKIPPED stop: real: set MODEL"])
        self.assertEqual(self.count(case("stop", "fail", "PASSED tiny\n"))[0], (1, 1, 0))

    def test_crashes_and_what_was_not_built(self):
        self.assertEqual(self.count(case("a", "fail"), a=GOOD)[0], (1, 1, 0))
        self.assertEqual(self.count(case("a", "fail"), a=GOOD + "<testcase")[0], (0, 1, 0))
        self.assertEqual(self.count(case("a", "notrun", "", '<skipped message="Unable to find executable"/>'))[0], (0, 1, 0))

    def test_repeated_runs_are_shown(self):
        self.assertEqual(self.count(case("late", output="RETRIED late after try 1 of 3\n"))[1], ["RETRIED late after try 1 of 3"])


unittest.main()
