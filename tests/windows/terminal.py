"""terminal.py PREFIX WINDOWS_PROGRAM NATIVE_PROGRAM: rustml-infer.exe on a console: Ctrl-C, and lines typed beyond ASCII.

Wine makes a console of the terminal that a program is started on, here a pseudo-terminal, and draws on it character by character.
"""

import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import time
import tty

import wine

DATA = pathlib.Path(__file__).resolve().parents[1] / "golden/data"
PREFIX, WINDOWS, NATIVE = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
LINE = "Grüße, 漢字"


class Console:
    def __init__(self, *arguments):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            wine.drop_powers()
            environment = {**wine.environment(PREFIX), "TERM": "xterm"}
            os.execvpe("wine", ["wine", str(WINDOWS), *map(str, arguments)], environment)
        self.drawn = b""
        self.limit = time.monotonic() + 100

    def read(self):
        """True until the program's end."""
        if time.monotonic() > self.limit:
            os.kill(self.pid, 9)
            sys.exit(f"FAILED: too slow; on the screen: {self.screen()[-2000:]!r}")
        if not select.select([self.terminal], [], [], 0.2)[0]:
            return True
        try:
            more = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.drawn += more
        return more != b""

    def screen(self):
        """Without blanks, which are drawn as movements."""
        return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]| ", b"", self.drawn)

    def wait_for(self, seen):
        while not seen() and self.read():
            pass

    def type_raw(self, text):
        """To Wine's console, with nothing done to it by the pseudo-terminal."""
        tty.setraw(self.terminal)
        self.type(text)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def end(self):
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def interrupt():
    console = Console("--gguf", DATA / "slow_q4_0.gguf", "--prompt", "x", "--max-tokens", "100000", "--ignore-eos")
    console.wait_for(lambda: len(console.drawn) > 10000)
    console.type("\x03")
    code = console.end()
    if code != 130 or b"endedbycancel" not in console.screen():
        sys.exit(f"FAILED: Ctrl-C: exit {code}: {console.screen()[-500:]!r}")


def prompt_tokens(text):
    found = re.search(rb"prompt *(\d+) *tokens", text)
    return found and int(found.group(1))


def chat():
    arguments = ["chat", "--gguf", DATA / "architectures/llama.gguf", "--max-tokens", "4", "--stats"]
    wanted = prompt_tokens(subprocess.run([NATIVE, *map(str, arguments)], input=LINE.encode(), capture_output=True).stderr)
    console = Console(*arguments)
    console.wait_for(lambda: re.search(rb"commands\.\s*>", console.screen()))
    console.type_raw(f"{LINE}\r")
    console.wait_for(lambda: b"peakmemory" in console.screen())
    console.type_raw("/exit\r")
    code = console.end()
    if not wanted or prompt_tokens(console.screen()) != wanted or code != 0:
        sys.exit(f"FAILED: chat: exit {code}, {wanted} tokens wanted: {console.screen()!r}")


def main():
    interrupt()
    print("PASSED interrupt")
    if NATIVE.exists():
        chat()
        print("PASSED chat")
    else:
        print(f"SKIPPED chat: no {NATIVE} to compare with; build preset release")


main()
