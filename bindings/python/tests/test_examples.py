"""The programs of examples/python and the README's snippet, as a user runs them."""

import contextlib
import doctest
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import rustml

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples/python").glob("*.py"))
MODEL = ROOT / "tests/golden/data/base_q8_0.gguf"


class Examples(unittest.TestCase):
    def run_it(self, program, *arguments, folder=None, text=""):
        done = subprocess.run([sys.executable, program, *arguments], cwd=folder, input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def example(self, name, *arguments, **more):
        return self.run_it(ROOT / "examples/python" / f"{name}.py", MODEL, *arguments, **more)

    def test_programs(self):
        self.assertTrue(self.example("hello").strip())
        self.assertTrue(self.example("stream", "The capital").strip())
        self.assertIn("prompt tokens were known", self.example("chat", text="Hello\nAnd?\n"))
        self.assertRegex(self.example("cancel", "The capital", "20"), r"^(stopped|finished) after \d+ tokens")
        with tempfile.TemporaryDirectory() as folder:
            self.assertRegex(self.example("snapshot", "save", f"{folder}/s", "The capital of France is"), r"^saved 15 tokens")
            self.assertTrue(self.example("snapshot", "load", f"{folder}/s").strip())

    def test_long_chat_goes_on_when_the_context_is_full(self):
        out = self.example("long_chat", "160", text="".join(f"Say something about {i}.\n" for i in range(50)))
        self.assertEqual(out.count("prompt tokens were known)\n"), 50)
        self.assertGreater(out.count("(dropped "), 5)
        # A turn that was taken back, and a message that does not fit, have never been said.
        self.assertEqual(self.example("long_chat", "160", text=f"One?\nTwo?\n/undo\n{'x' * 1000}\nThree?\n").splitlines()[-2],
                         self.example("long_chat", "160", text="One?\nThree?\n").splitlines()[-2])

    def test_docstrings(self):
        """Their examples run; what a model says is not compared."""
        checker = doctest.OutputChecker()
        checker.check_output = lambda want, got, flags: bool(got.strip()) == bool(want)
        runner = doctest.DocTestRunner(checker=checker, verbose=False)
        former = os.getcwd()
        with tempfile.TemporaryDirectory() as folder, rustml.Model.open(MODEL) as model, model.session() as session:
            shutil.copy(MODEL, pathlib.Path(folder, "model.gguf"))
            os.chdir(folder)
            try:
                for documented in (rustml.Model, rustml.Session, rustml.Chat):
                    for test in doctest.DocTestFinder(recurse=False).find(documented, globs={"rustml": rustml, "model": model, "session": session}):
                        self.assertTrue(test.examples, documented)
                        for example in test.examples:
                            example.want = "" if example.source.startswith("chat =") else "text"
                        with contextlib.redirect_stdout(io.StringIO()):
                            self.assertEqual(runner.run(test, clear_globs=False).failed, 0, documented)
                        session.reset()
            finally:
                os.chdir(former)

    def test_error_is_one_line(self):
        done = subprocess.run([sys.executable, ROOT / "examples/python/stream.py", "/no/such.gguf", "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^stream: .*/no/such.gguf.*\n$")

    def test_readme_in_an_empty_folder(self):
        snippet = re.search(r"```python\n(.*?)```", (ROOT / "bindings/python/README.md").read_text(), re.S).group(1)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "answer.py").write_text(snippet)
            shutil.copy(MODEL, pathlib.Path(folder, "model.gguf"))
            self.assertTrue(self.run_it("answer.py", folder=folder).strip())

    def test_types(self):
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rustml/mypy"
        plain = {**os.environ, "PYTHONPATH": str(cache)}
        if subprocess.run([sys.executable, "-c", "import mypy"], env=plain, capture_output=True).returncode:
            print(f"SKIPPED types of Python: no mypy for {sys.executable}; scripts/setup_python fetches it", flush=True)
            return
        package = ROOT / "bindings/python"
        for folder, arguments in ((package, ["--config-file", "pyproject.toml"]), (ROOT, ["--strict", "--follow-imports", "silent", *EXAMPLES])):
            done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", os.devnull, *arguments], cwd=folder, capture_output=True,
                                  text=True, env={**plain, "MYPYPATH": str(package)} if folder == ROOT else plain)
            self.assertEqual(done.returncode, 0, done.stdout)
        print("PASSED types of Python", flush=True)

    def test_readme_with_what_cmake_installs(self):
        build = os.environ.get("RUSTML_BUILD")
        if not build or not shutil.which("cmake"):
            self.skipTest("no build folder to install from")
        snippet = re.search(r"```python\n(.*?)```", (ROOT / "bindings/python/README.md").read_text(), re.S).group(1)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cmake", "--install", build, "--prefix", f"{folder}/prefix"], check=True, capture_output=True)
            os.rename(f"{folder}/prefix", f"{folder}/moved")
            os.mkdir(f"{folder}/empty")
            pathlib.Path(folder, "empty/answer.py").write_text(snippet)
            shutil.copy(MODEL, pathlib.Path(folder, "empty/model.gguf"))
            plain = {key: value for key, value in os.environ.items() if key not in ("RUSTML_LIBRARY", "LD_LIBRARY_PATH", "PYTHONPATH")}
            done = subprocess.run([sys.executable, "answer.py"], cwd=f"{folder}/empty", capture_output=True, text=True,
                                  env={**plain, "PYTHONPATH": f"{folder}/moved/share/rustml/python"})
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.strip())


if __name__ == "__main__":
    unittest.main()
