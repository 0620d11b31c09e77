"""run.py PREFIX_OF_PROGRAMS RUSTML_INFER DATA: the examples on small models; their answers must be those of rustml-infer."""

import re
import subprocess
import sys
import tempfile
import unittest

PROGRAMS, INFER, DATA = sys.argv[1:4]
MODEL = f"{DATA}/base_q8_0.gguf"


def run(*command, text=""):
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


class Examples(unittest.TestCase):
    def example(self, name, *arguments, model=MODEL, **more):
        code, out, said = run(PROGRAMS + name, model, *arguments, **more)
        self.assertEqual(code, 0, said)
        return out, said

    def answer(self, *arguments):
        code, out, said = run(INFER, "--gguf", MODEL, "--quiet", *arguments)
        self.assertEqual(code, 0, said)
        self.assertTrue(out)
        return out

    def test_hello(self):
        self.assertEqual(self.example("hello")[0], self.answer("--prompt", "The capital of France is", "--max-tokens", "16") + b"\n")

    def test_stream(self):
        sampling = () if PROGRAMS.endswith("c-") else ("--temperature", "0.8", "--top-p", "0.95", "--seed", "1")
        self.assertEqual(self.example("stream", "Once upon a time")[0],
                         self.answer("--prompt", "Once upon a time", "--max-tokens", "64", *sampling) + b"\n")

    def test_chat_evaluates_only_what_is_new(self):
        """The first answer is the program's; of the second prompt all of the first one and its answer was known."""
        out, _ = self.example("chat", text='Say "hello"\nAnd \\ you?\n')
        answers = re.split(rb"\n\((\d+) of (\d+) prompt tokens were known\)\n", out)
        self.assertEqual(len(answers), 7, out)
        self.assertEqual(answers[0], self.answer("--chat", "--system", "Answer briefly.", "--prompt", 'Say "hello"', "--max-tokens", "64"))
        known, first, again, second = (int(answers[i]) for i in (1, 2, 4, 5))
        self.assertEqual(known, 0)
        self.assertGreaterEqual(again, first)
        self.assertGreater(second, again)

    def test_cancel(self):
        for _ in range(3):  # the whole answer takes a second: a stopper that had no core for so long comes too late
            out, _ = self.example("cancel", "Once upon a time", "20", model=f"{DATA}/slow_q4_0.gguf")
            if out.startswith(b"stopped"):
                break
            print("RETRIED examples.cancel: the stopper came after the whole answer", flush=True)
        self.assertRegex(out, rb"^stopped after \d+ tokens, \d")

    def test_snapshot(self):
        with tempfile.TemporaryDirectory() as folder:
            saved, _ = self.example("snapshot", "save", f"{folder}/s", "Once upon a time")
            n = int(re.fullmatch(rb"saved (\d+) tokens\n", saved).group(1))
            out, said = self.example("snapshot", "load", f"{folder}/s")
            self.assertEqual(out.strip(b"\n"), self.answer("--prompt", "Once upon a time", "--max-tokens", "32").strip(b"\n"))
            self.assertIn(b"%d of %d prompt tokens" % (n, n), said)

    def test_failures_are_one_line(self):
        for name, *arguments in (("hello",), ("stream", "x"), ("chat",), ("cancel", "x", "1"), ("snapshot", "load", "s")):
            code, _, said = run(PROGRAMS + name, "/no/such.gguf", *arguments)
            self.assertEqual(code, 1)
            self.assertRegex(said, rb"^" + name.encode() + rb": .*/no/such\.gguf")
        for name in ("stream", "chat", "cancel", "snapshot"):
            self.assertIn(b"usage: ", run(PROGRAMS + name)[2])


unittest.main(argv=sys.argv[:1])
