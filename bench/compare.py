#!/usr/bin/env python3
"""Decode, prefill, load and peak memory of librustml beside llama.cpp: same file, ids and threads, in one interleaved run.

usage: bench/compare.py [--gguf FILE] [--infer PROGRAM] [--venv DIR | --install] [--threads 2] [--rounds 5] [--prefill 128] [--decode 64] [--json FILE]
Every round starts both programs once, in alternating order (A B, B A, ...); machines are noisy, so only the ratio of a pair counts, and the
median of the pairs' ratios is the figure. Prints a Markdown table."""
import argparse, json, os, sys
import peers

PROMPT = 'Once upon a time there was a small engine that ran a language model on a processor, and'


def measure(commands, rounds):
    """-> {name: [result of each round]}; the order of the two alternates."""
    results = {name: [] for name in commands}
    for i in range(rounds):
        for name in (list(commands) if i % 2 == 0 else reversed(list(commands))):
            results[name].append(peers.run_json(commands[name]))
            print(f'round {i + 1} of {rounds}: {name} {results[name][-1]}', file=sys.stderr)
    return results


def memory(infer, peer, a):
    ours, lines = peers.peak_memory([infer, '--gguf', a.gguf, '--prompt', PROMPT, '--context', '512', '--max-tokens', '64', '--temperature', '0', '--ignore-eos',
                                     '--threads', str(a.threads), '--json', '--quiet'])
    theirs, _ = peers.peak_memory([peer, 'run', a.gguf, str(a.threads), '512', '64', PROMPT])
    events = [json.loads(line) for line in lines]
    weights = next((e['weight_bytes'] for e in events if e.get('type') == 'load'), None)
    return {'rustml': ours, 'llama.cpp': theirs, 'file': os.path.getsize(a.gguf), 'packed_weights': weights}


def table(results, used):
    ours, theirs = results['rustml'], results['llama.cpp']
    lines = ['| figure | librustml | llama.cpp | ratio per pair |', '| --- | --- | --- | --- |']
    for key, name, unit, digits in (('decode_tok_s', 'decode', 'tok/s', 1), ('prefill_tok_s', 'prefill', 'tok/s', 1), ('load_s', 'load', 's', 3)):
        x, y = [r[key] for r in ours], [r[key] for r in theirs]
        ratios = [a / b for a, b in zip(x, y)]
        lines.append(f'| {name}, {unit} | {peers.spread(x, digits)} | {peers.spread(y, digits)} | **{peers.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f}) |')
    mb = lambda n: f'{n / 1e6:.1f}'
    lines.append(f"| peak memory, MB | {mb(used['rustml'])} | {mb(used['llama.cpp'])} | **{used['rustml'] / used['llama.cpp']:.2f}** |")
    return '\n'.join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    peers.add_options(p)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--prefill', type=int, default=128)
    p.add_argument('--decode', type=int, default=64)
    a = p.parse_args()
    infer, peer = peers.prepare(a)
    counts = [str(a.prefill), str(a.decode)]
    machine = peers.machine()
    peers.warn_if_busy(machine)
    results = measure({
        'rustml': [infer, 'bench', '--gguf', a.gguf, '--prefill', counts[0], '--decode', counts[1], '--threads', str(a.threads), '--repeat', '1', '--json'],
        'llama.cpp': [peer, 'bench', a.gguf, str(a.threads), *counts, '1'],
    }, a.rounds)
    used = memory(infer, peer, a)
    print(f"{os.path.basename(a.gguf)}, prefill {a.prefill}, decode {a.decode}, {a.threads} threads; medians of {a.rounds} interleaved rounds (least–most); {machine['processor']}, "
          f"{machine['cpus']} cpus, load {machine['load_before']:.1f} before\n")
    print(table(results, used))
    print(f"\nPeak memory: 512 tokens of context, 64 generated; the file has {used['file'] / 1e6:.1f} MB" + (f", packed weights {used['packed_weights'] / 1e6:.1f} MB." if used['packed_weights'] else '.'))
    if a.json:
        a.json.write_text(json.dumps({'machine': machine, 'gguf': os.path.basename(a.gguf), 'threads': a.threads, 'prefill': a.prefill, 'decode': a.decode, 'rounds': results, 'memory': used}, indent=1) + '\n')


if __name__ == '__main__':
    try:
        main()
    except peers.Missing as problem:
        sys.exit(f'compare.py: {problem}')
