"""documentation.py PROGRAM BUILD_DIR PART: the manual page and the completions say what every --help says, and the shells take them.

PART is manual, bash, zsh or fish. What is compared with is the help that CLI11 prints. Prints SKIPPED with the reason where a tool is absent.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
INSTALLED = pathlib.Path(sys.argv[2]).resolve() / "manual"
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print(f"FAILED {what}")


def output(*command, text=None, folder=None):
    done = subprocess.run([str(word) for word in command], input=text, cwd=folder, capture_output=True, text=True)
    check(done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        print(f"SKIPPED {sys.argv[3]}: no {tool}; apt-get install {tool}")
        sys.exit(77)


def commands():
    """{command: {option: its help}}, as the program prints them; the commands are those that main.cpp lists."""
    source = (pathlib.Path(__file__).resolve().parents[2] / "src/cli/main.cpp").read_text()
    names = re.findall(r'^    \{"(\w+)", "', source, re.M)
    assert {"run", "chat", "verify"} <= set(names), names
    found = {}
    for name in names:
        text = re.search(r"^Options:\n(.*?)(^\S|\Z)", output(PROGRAM, name, "--help"), re.M | re.S).group(1)
        parts = re.split(r"^  (?:-\w,)?(--[\w-]+)[^\n]*?(?:  +|\n +)", text + "\n", flags=re.M)
        found[name] = {option: " ".join(said.split()) for option, said in zip(parts[1::2], parts[2::2])}
        assert "--help" in found[name], text
    return found


def manual():
    need("mandoc")
    need("man")
    page = INSTALLED / "rustml-infer.1"
    check(page.read_text() == output(PROGRAM, "manual"), "the page that is installed is another one: build rustml-infer")
    # A page made by the program has no date of its own, and its lines are sentences.
    lint = [line for line in subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True).stdout.splitlines()
            if "missing date" not in line]
    check(not lint, f"mandoc: {lint}")
    shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "1000", "LC_ALL": "C.UTF-8"})
    check(shown.returncode == 0 and not shown.stderr, f"man: {shown.stderr}")
    text = re.sub(r".\x08", "", shown.stdout)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"):
        check(re.search(f"^{section}$", text, re.M), f"no section {section}")
    of_run, *others = re.split(r"^   (\w+)\n", text.split("\nCOMMANDS\n")[0].split("\nOPTIONS\n")[1] + text.split("\nCOMMANDS\n")[1].split("\nEXIT STATUS\n")[0],
                               flags=re.M)
    sections = {"run": of_run, **dict(zip(others[::2], others[1::2]))}
    wanted = commands()
    check(sections.keys() == wanted.keys(), f"commands: {sections.keys() ^ wanted.keys()}")
    for command, options in wanted.items():
        said = " ".join(sections[command].split())
        check(set(re.findall(r"(?:^       (?:-\w, )?|[:,] )(--[\w-]+)", sections[command], re.M)) == options.keys(),
              f"{command}: {set(re.findall(r'(?<![^ ])--[a-z][a-z-]*', said)) ^ options.keys()}")
        for option, words in options.items():
            check(words in said or words in " ".join(of_run.split()), f"{command} {option}: the page does not say {words!r}")
        check(re.search(rf"rustml-infer \[?{command}\b", text), f"{command} is not in the synopsis")


# (words before the cursor, what must be offered, what must not be). The last word is the one that is completed.
CASES = [
    (["c"], {"chat", "completion"}, {"run", "--chat"}),
    (["--kv"], {"--kv-type"}, {"--json"}),
    (["--kv-type", ""], {"f32", "f16", "q8_0"}, {"--json", "model.gguf"}),
    (["chat", "--kv-type", "q"], {"q8_0"}, {"f16"}),
    (["bench", "--simd-target", "avx"], {"avx2", "avx512"}, {"scalar"}),
    (["--early-stopping", ""], {"heuristic", "first", "never"}, set()),
    (["quantize", "in.gguf", "out.gguf", "--type", "Q4"], {"Q4_0", "Q4_1"}, {"Q8_0"}),
    (["--gguf", "mo"], {"model.gguf", "models/"}, {"other"}),
    (["--safetensors", ""], {"models/"}, {"model.gguf"}),
    (["quantize", "mod"], {"model.gguf"}, set()),
    (["completion", ""], {"bash", "zsh", "fish"}, {"--json"}),
    (["rm", "--"], {"--help"}, {"--kv-type"}),
    (["--prompt", "mo"], set(), {"model.gguf", "models/"}),
]


def every_option(offered):
    """offered(words): what a shell offers. Every command and every option of every command."""
    wanted = commands()
    check(wanted.keys() <= offered([""]), f"commands not offered: {wanted.keys() - offered([''])}")
    for command, options in wanted.items():
        for words in ([command, "--"],) + ((["--"],) if command == "run" else ()):
            got = {word for word in offered(words) if word.startswith("--")}
            check(got == options.keys(), f"{words}: {got ^ options.keys()}")


def each_case(offered):
    for words, some, none in CASES:
        got = offered(words)
        got |= {word.rstrip("/") + "/" for word in got if word.rstrip("/") == "models"}
        check(some <= got and not none & got, f"{words}: offered {sorted(got)}")


def folder_with_models(folder):
    for name in ("model.gguf", "other"):
        pathlib.Path(folder, name).touch()
    pathlib.Path(folder, "models").mkdir()
    return folder


def bash(folder):
    script = INSTALLED / "rustml-infer"

    def offered(words):
        line = ["rustml-infer", *words]
        code = f'source "$0"; COMP_WORDS=("$@"); COMP_CWORD={len(line) - 1}; _rustml_infer; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return set(output("bash", "-u", "-c", code, script, *line, folder=folder).split("\n")) - {""}

    every_option(offered)
    each_case(offered)
    check(offered(["--kv-type", "=", "q"]) == {"q8_0"} and offered(["--kv-type", "="]) == {"f32", "f16", "q8_0"}, "--kv-type=")
    registered = output("bash", "-c", 'source "$0"; complete -p rustml-infer', script)
    check("-F _rustml_infer" in registered, registered)


def fish(folder):
    def offered(words):
        said = output("fish", "--private", "-c", f"source {INSTALLED}/rustml-infer.fish; complete -C $argv[1]", " ".join(["rustml-infer", *words]),
                      folder=folder)
        return {line.split("\t")[0] for line in said.splitlines()}

    every_option(offered)
    each_case(offered)


def zsh(folder):
    """At a terminal, since only zsh's line editor completes: the candidates are what the key prints."""
    output("zsh", "-n", INSTALLED / "_rustml-infer")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ.update(TERM="dumb", COLUMNS="1000", LINES="1000", HOME=str(folder), ZDOTDIR=str(folder))
        os.execvp("zsh", ["zsh", "-f", "-i"])

    def until(text, seconds=60):
        said, end = "", time.monotonic() + seconds
        while text not in said:
            if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise SystemExit(f"FAILED zsh: no {text!r} in {said!r}")
            said += os.read(terminal, 65536).decode(errors="replace")
        return said

    def type_in(text):
        os.write(terminal, text.encode())

    # Candidates go through compadd, which is where they can be seen whatever the terminal looks like.
    type_in(f"PS1=; KEYTIMEOUT=1; stty cols 1000 rows 1000; fpath=({INSTALLED} $fpath); autoload -Uz compinit; compinit -u -D\n")
    type_in('compadd() { local -a seen; [[ ${@[1,-2]} == *-[OAD]* ]] || { builtin compadd -O seen "$@"; print -rl -- $seen >>seen };'
            ' builtin compadd "$@" }\n')
    type_in("show() { zle complete-word; zle kill-whole-line; print done >>seen }; zle -N show; bindkey '^X' show\n")
    type_in("print rea''dy\n")
    until("ready")
    seen = pathlib.Path(folder, "seen")

    def offered(words):
        seen.write_text("")
        type_in(" ".join(["rustml-infer", *words]) + "\x18")
        end = time.monotonic() + 60
        while "done\n" not in seen.read_text():
            if time.monotonic() > end:
                raise SystemExit(f"FAILED zsh: no candidates for {words}")
            if select.select([terminal], [], [], 0.01)[0]:
                os.read(terminal, 65536)
        return {word.rstrip("=") for word in seen.read_text().splitlines()} - {"done"}

    try:
        every_option(offered)
        each_case(offered)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def main():
    part = sys.argv[3]
    if part == "manual":
        manual()
    else:
        need(part)
        with tempfile.TemporaryDirectory() as folder:
            {"bash": bash, "zsh": zsh, "fish": fish}[part](folder_with_models(folder))
    print(f"{part}: {failures} failures")
    return 1 if failures else 0


sys.exit(main())
