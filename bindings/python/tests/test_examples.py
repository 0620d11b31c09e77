"""The programs of examples/python and the README's snippet, as a user runs them."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
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
