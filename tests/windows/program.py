"""program.py PREFIX WINDOWS_PROGRAM NATIVE_PROGRAM WORK_DIR: rustml-infer.exe under Wine does what rustml-infer does here.

Same tokens (greedy and sampled, tiny models and, with RUSTML_SMOLLM2, a real one), same bytes in files, same exit codes and messages; models,
prompts and files beyond ASCII. The comparison is SKIPPED without the native program, the real model without RUSTML_SMOLLM2.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import wine

DATA = pathlib.Path(__file__).resolve().parents[1] / "golden/data"
TEXT = "Schöne Grüße, 漢字 und 🐈: \"quoted\" \\ back\\\\slash"
PREFIX, WINDOWS, NATIVE, WORK = (pathlib.Path(argument).resolve() for argument in sys.argv[1:5])
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print(f"FAILED {what}", flush=True)


def on_windows(*arguments, text=None):
    return wine.run(PREFIX, [WINDOWS, *arguments], cwd=WORK, input=text, timeout=400)


def here(*arguments, text=None):
    return subprocess.run([NATIVE, *map(str, arguments)], cwd=WORK, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=400)


def token_ids(done):
    return re.findall(rb'"id":(\d+)', done.stdout)


def compare_answers(name, *arguments):
    ours, theirs = on_windows(*arguments, "--json", "--quiet"), here(*arguments, "--json", "--quiet")
    ids = token_ids(theirs)
    check(len(ids) >= 16, f"{name}: the native program gave {len(ids)} tokens: {theirs.stderr.decode()}")
    check(token_ids(ours) == ids, f"{name}: other tokens: {token_ids(ours)} {ids} {ours.stderr.decode(errors='replace')}")
    check(ours.stderr == theirs.stderr, f"{name}: stderr: {ours.stderr}, not {theirs.stderr}")


def answers():
    sampled = ["--temperature", "0.9", "--top-k", "50", "--top-p", "0.95", "--seed", "11"]
    for name in ("base_q8_0.gguf", "base_f32.gguf", "slow_q4_0.gguf", "kquant.gguf", "architectures/gemma3.gguf"):
        for kind, more in (("greedy", []), ("sampled", sampled)):
            compare_answers(f"{name}, {kind}", "--gguf", DATA / name, "--prompt", TEXT, "--max-tokens", "32", "--ignore-eos", *more)
    compare_answers("more threads than cores", "--gguf", DATA / "base_f16.gguf", "--prompt", TEXT, "--max-tokens", "24", "--ignore-eos", "--threads", "9")
    compare_answers("folder", "--safetensors", DATA / "architectures/gpt2", "--prompt", TEXT, "--max-tokens", "24", "--ignore-eos")
    real = os.environ.get("RUSTML_SMOLLM2")
    if not real:
        print("SKIPPED SmolLM2: set RUSTML_SMOLLM2=$(scripts/fetch-model)")
        return
    for kind, more in (("greedy", []), ("sampled", sampled)):
        compare_answers(f"SmolLM2, {kind}", "--gguf", real, "--prompt", "The café in Zürich, 東京:", "--max-tokens", "40", "--ignore-eos", *more)
    print("PASSED SmolLM2")


def same(name, *arguments, text=None):
    """Both programs end alike and write the same bytes to stdout."""
    ours, theirs = on_windows(*arguments, text=text), here(*arguments, text=text)
    check(ours.returncode == theirs.returncode, f"{name}: exit {ours.returncode}, not {theirs.returncode}: {ours.stderr.decode(errors='replace')}")
    check(ours.stdout == theirs.stdout, f"{name}: {ours.stdout[:2000]!r}, not {theirs.stdout[:2000]!r}")
    check(b"\r" not in ours.stdout + ours.stderr, f"{name}: lines end with a carriage return: {ours.stdout + ours.stderr}")
    return ours, theirs


def names_beyond_ascii():
    folder = WORK / "Modèle 模型 🐈"
    folder.mkdir()
    model = folder / "kleines Modell ß.gguf"
    shutil.copy(DATA / "base_q8_0.gguf", model)
    relative = model.relative_to(WORK)
    ours, _ = same("tokenize", "tokenize", "--gguf", relative, "--prompt", TEXT)
    check(len(ours.stdout.splitlines()) > 20, "tokenize: few lines")
    same("standard input", "tokenize", "--gguf", relative, "--prompt", "-", text=f"a\r\nb\x1a\n{TEXT}".encode())
    same("answer", "--gguf", relative, "--prompt", TEXT, "--max-tokens", "16", "--quiet")
    same("chat", "chat", "--gguf", DATA / "architectures/llama.gguf", "--max-tokens", "8", "--quiet", text=f"{TEXT}\nmore\n".encode())
    (folder / "prompts ü.txt").write_text(f"{TEXT}\nsecond\n", encoding="utf-8")
    same("prompts file", "--gguf", relative, "--prompts-file", f"{folder.name}/prompts ü.txt", "--max-tokens", "8", "--quiet")
    trace = folder / "Spur ö.json"
    on_windows("--gguf", relative, "--prompt", TEXT, "--max-tokens", "4", "--quiet", "--trace", trace.relative_to(WORK))
    check(trace.exists() and '"ph":"X"' in trace.read_text(), f"trace: no {trace}")
    gpt2 = folder / "gpt2 é"
    shutil.copytree(DATA / "architectures/gpt2", gpt2)
    same("folder", "tokenize", "--safetensors", gpt2.relative_to(WORK), "--prompt", TEXT)
    (WORK / "outside.safetensors").write_bytes((gpt2 / "model.safetensors").read_bytes())
    linked = shutil.copytree(gpt2, folder / "linked")
    (linked / "model.safetensors").unlink()
    (linked / "model.safetensors").symlink_to(WORK / "outside.safetensors")
    ours, _ = same("a link that leads outside", "info", "--safetensors", linked.relative_to(WORK))
    check(b"outside of the model's directory" in ours.stderr, f"a link that leads outside: {ours.stderr!r}")
    for program, name in ((on_windows, "windows"), (here, "linux")):
        done = program("quantize", gpt2.relative_to(WORK), f"{folder.name}/{name} ø.gguf", "--type", "Q4_0", "--quiet")
        check(done.returncode == 0, f"quantize: {done.stderr.decode(errors='replace')}")
    check((folder / "windows ø.gguf").read_bytes() == (folder / "linux ø.gguf").read_bytes(), "quantize: the files differ")
    check(not list(folder.glob(".rustml-*")), "quantize: a temporary file is left")
    ours, theirs = same("absent model", "--gguf", "Modèle/絵.gguf", "--prompt", "x")
    check(ours.stderr == theirs.stderr and ours.returncode == 3, f"absent model: {ours.stderr!r}, not {theirs.stderr!r}")


def program():
    ours, _ = same("help", "--help")
    check(b"--gguf" in ours.stdout, "help: says nothing of --gguf")
    same("version", "--version")
    same("help of a command", "quantize", "--help")
    same("usage", "--nonsense")
    done = on_windows("info", "--gguf", DATA / "base_q8_0.gguf", "--json")
    theirs = here("info", "--gguf", DATA / "base_q8_0.gguf", "--json")
    targets = [re.search(rb'"simd_target":"(\w+)"', one.stdout) for one in (done, theirs)]
    check(targets[0] and targets[0].group(1) not in (b"scalar", b"sse41"), f"SIMD target: {done.stdout!r}")
    check(targets[1] and targets[1].group(1) in (b"amx", targets[0].group(1)), f"SIMD target: {targets[0].group(1)}, here {targets[1].group(1)}")
    done = on_windows("--gguf", DATA / "base_q8_0.gguf", "--prompt", "x", "--max-tokens", "4", "--log", "info")
    check(b"tokens in" in done.stderr and b"peak memory" in done.stderr and b"\r" not in done.stderr, f"statistics: {done.stderr!r}")
    check(re.search(rb"peak memory  0\.0 MB", done.stderr) is None, f"statistics: {done.stderr!r}")
    done = on_windows("pull", "org/name")
    check(done.returncode != 0 and b"librustml-hub" in done.stderr and b"Windows" in done.stderr, f"hub: {done.stderr!r}")
    done = on_windows("--gguf", DATA / "slow_q4_0.gguf", "--prompt", "x", "--max-tokens", "100000", "--timeout", "0.3", "--ignore-eos", "--quiet")
    check(done.returncode == 124, f"timeout: exit {done.returncode}: {done.stderr!r}")


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    if not NATIVE.exists():
        for part in ("SmolLM2", "tiny models, names, refusals"):
            print(f"SKIPPED {part}: no {NATIVE} to compare with; build preset release")
        sys.exit(77)
    answers()
    names_beyond_ascii()
    program()
    print("PASSED tiny models, names, refusals" if failures == 0 else f"{failures} FAILED")
    sys.exit(1 if failures else 0)


main()
