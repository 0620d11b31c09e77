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

    def test_long_chat_goes_on_and_forgets_as_the_program_does(self):
        questions = [f"Say something about {i}." for i in range(50)]
        out, _ = self.example("long_chat", "160", text="".join(f"{q}\n" for q in questions))
        notes = re.compile(rb"\(dropped \d+ turns\)\n|(?<=\n)\(\d+ of \d+ prompt tokens were known\)\n|\(the context is full, so the answer ends here\)\n")
        program = ("chat", "--gguf", MODEL, "--context", "160", "--system", "Answer briefly.", "--max-tokens", "64", "--quiet")
        code, said, _ = run(INFER, *program, text="".join(f"{q}\n" for q in questions))
        self.assertEqual((code, notes.sub(b"", out)), (0, said))
        self.assertGreater(out.count(b"(dropped "), 5)
        prompts = [(int(known), int(n)) for known, n in re.findall(rb"\((\d+) of (\d+) prompt", out)]
        self.assertEqual(len(prompts), 50)
        self.assertTrue(all(n <= 120 for _, n in prompts))
        self.assertTrue(all(known > 0 for known, _ in prompts[1:]), "the system message is evaluated once")
        # A turn that was taken back, and a message that does not fit, have never been said.
        out, said = self.example("long_chat", "160", text=f"One?\nTwo?\n/undo\n{'x' * 1000}\nThree?\n")
        self.assertIn(b"does not fit the context", said)
        self.assertEqual(notes.sub(b"", out).splitlines()[-1], run(INFER, *program, text="One?\nThree?\n")[1].splitlines()[-1])

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
        for name, *arguments in (("hello",), ("stream", "x"), ("chat",), ("long_chat", "160"), ("cancel", "x", "1"), ("snapshot", "load", "s")):
            code, _, said = run(PROGRAMS + name, "/no/such.gguf", *arguments)
            self.assertEqual(code, 1)
            self.assertRegex(said, rb"^" + name.encode() + rb": .*/no/such\.gguf")
        for name in ("stream", "chat", "long_chat", "cancel", "snapshot"):
            self.assertIn(b"usage: ", run(PROGRAMS + name)[2])


unittest.main(argv=sys.argv[:1])
