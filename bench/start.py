#!/usr/bin/env python3
"""From process start to the first token of a five-token prompt: librustml's program beside llama.cpp, starts interleaved.

usage: bench/start.py [--gguf FILE] [--infer PROGRAM] [--venv DIR | --install] [--threads 2] [--starts 9] [--json FILE]
The time runs from just before the process is started until its first token line has arrived through a pipe. The file is in the page cache (one
start of each comes first and is not counted). llama.cpp runs in a bare C program (llama_peer.c) at its defaults, without a warm-up."""
import argparse, json, os, sys
import peers

PROMPT = 'The capital of France is'


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    peers.add_options(p)
    p.add_argument('--starts', type=int, default=9)
    a = p.parse_args()
    infer, peer = peers.prepare(a)
    commands = {
        'rustml': [infer, '--gguf', a.gguf, '--prompt', PROMPT, '--max-tokens', '1', '--temperature', '0', '--context', '512', '--threads', str(a.threads), '--json', '--quiet'],
        'llama.cpp': [peer, 'run', a.gguf, str(a.threads), '512', '1', PROMPT],
    }
    ids = {name: peers.first_token_seconds(command)[1] for name, command in commands.items()}
    if len(set(ids.values())) != 1:
        print(f'start.py: first tokens differ: {ids}', file=sys.stderr)
    machine = peers.machine()
    peers.warn_if_busy(machine)
    seconds = {name: [] for name in commands}
    for i in range(a.starts):
        for name in (list(commands) if i % 2 == 0 else reversed(list(commands))):
            seconds[name].append(peers.first_token_seconds(commands[name])[0])
    ratios = [x / y for x, y in zip(seconds['rustml'], seconds['llama.cpp'])]
    print(f"{os.path.basename(a.gguf)}, {a.threads} threads, {a.starts} interleaved starts; {machine['processor']}, load {machine['load_before']:.1f} before\n")
    print('| process start to first token | median (least–most), ms |\n| --- | --- |')
    for name in commands:
        print(f'| {"librustml" if name == "rustml" else name} | {peers.spread([1000 * s for s in seconds[name]], 0)} |')
    print(f'| ratio per pair | **{peers.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f}) |')
    if a.json:
        a.json.write_text(json.dumps({'machine': machine, 'gguf': os.path.basename(a.gguf), 'threads': a.threads, 'first_token_id': ids, 'seconds': seconds}, indent=1) + '\n')


if __name__ == '__main__':
    try:
        main()
    except peers.Missing as problem:
        sys.exit(f'start.py: {problem}')
