#!/usr/bin/env python3
"""What quantize_min_dim is worth: decode and prefill rate, memory and KL against the file's own type at several thresholds.

usage: bench/threshold.py MODEL-DIR [--min-dim 512 768 1024] [--type q8_0] [--infer PROGRAM] [--threads 2] [--rounds 5] [--prefill 128] [--decode 64] [--tokens 256]
Rates come from `rustml-infer bench`, one run of every threshold a round in alternating order, medians of the rounds; "none" is not quantized at all. KL from
bench/kl.py. Prints a Markdown table."""
import argparse, json, pathlib, re, statistics, subprocess, sys

BENCH = pathlib.Path(__file__).resolve().parent


def infer(a, threshold):
    way = ['--quantize', 'none'] if threshold is None else ['--quantize', a.type, '--quantize-min-dim', str(threshold)]
    command = [a.infer, 'bench', '--safetensors', a.model, '--threads', str(a.threads), '--prefill', str(a.prefill), '--decode', str(a.decode), '--repeat', '1', '--json', *way]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def divergence(a, threshold):
    command = [sys.executable, BENCH / 'kl.py', a.model, '--other', a.type, '--min-dim', str(threshold), '--tokens', str(a.tokens), '--threads', str(a.threads)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    matrices = re.search(r'(\d+) matrices', text).group(1)
    return matrices, *re.search(r'KL mean (\S+), largest (\S+) nats; same likeliest token (\S+) %', text).groups()


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('model')
    p.add_argument('--min-dim', type=int, nargs='+', default=[512, 768, 1024])
    p.add_argument('--type', choices=('q8_0', 'q4_0'), default='q8_0')
    p.add_argument('--infer', default=str(BENCH.parent / 'build/release/src/cli/rustml-infer'))
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--prefill', type=int, default=128)
    p.add_argument('--decode', type=int, default=64)
    p.add_argument('--tokens', type=int, default=256)
    a = p.parse_args()
    thresholds = [None, *a.min_dim]
    runs = {t: [] for t in thresholds}
    for i in range(a.rounds):
        for t in thresholds if i % 2 == 0 else reversed(thresholds):
            runs[t].append(infer(a, t))
    median = lambda t, key: statistics.median(r[key] for r in runs[t])
    print('| quantize_min_dim | matrices | decode, tok/s | prefill, tok/s | load, s | peak memory, MB | KL mean | KL largest | same token, % |\n|' + ' --- |' * 9)
    for t in thresholds:
        matrices, mean, largest, same = ('0', '', '', '') if t is None else divergence(a, t)
        print(f"| {'none' if t is None else t} | {matrices} | {median(t, 'decode_tok_s'):.1f} | {median(t, 'prefill_tok_s'):.1f} | {median(t, 'load_s'):.3f} | "
              f"{median(t, 'peak_rss_bytes') / 1e6:.0f} | {mean} | {largest} | {same} |", flush=True)


if __name__ == '__main__':
    main()
