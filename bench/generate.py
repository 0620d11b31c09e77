#!/usr/bin/env python3
"""Load, time to first token, time per token and memory of librustml over contexts and threads.

usage: bench/generate.py [--gguf FILE]... [--contexts 128 512 1024 2048 4096 8192] [--threads 1 2] [--decode 64] [--repeat 3] [--out DIR] [--seconds N]
At context C the prompt has C - decode - 1 tokens, so that the answer ends with the context. Contexts above the model's are left out. Results are kept in
OUT/generate.json, the table in OUT/generate.md; --seconds ends a call early, and the same call again goes on: with what is left, and with what was
measured while others kept a tenth of a processor or more busy."""
import argparse, json, os, pathlib, sys, time
import peers


def table(results):
    lines = [peers.describe(results['runs']), '',
             '| model | threads | context | load, ms | first token, ms | prefill, tok/s | decode, tok/s | token p50 / p90 / p99 / max, ms | peak memory, MB (weights) | processors others used |',
             '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |']
    for name, model in results['models'].items():
        for r in sorted(model.values(), key=lambda r: (r['threads'], r['context'])):
            lines.append(f"| {name} | {r['threads']} | {r['context']} | {1e3 * r['load_s']:.0f} | {1e3 * r['first_token_s']:.0f} | {r['prefill_tok_s']:.0f} | {r['decode_tok_s']:.1f} | "
                         + ' / '.join(f"{r[f'token_{q}_ms']:.2f}" for q in ('p50', 'p90', 'p99', 'max')) + f" | {r['peak_rss_bytes'] / 1e6:.0f} ({r['weight_bytes'] / 1e6:.0f}) | {r['others']:.2f} |")
    return '\n'.join(lines) + '\n'


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument('--gguf', action='append', help='a model; may be given several times (default: the demo\'s SmolLM2)')
    p.add_argument('--infer', help='rustml-infer (default: of build/release)')
    p.add_argument('--contexts', type=int, nargs='+', default=[128, 512, 1024, 2048, 4096, 8192])
    p.add_argument('--threads', type=int, nargs='+', default=list(range(1, len(os.sched_getaffinity(0)) + 1)))
    p.add_argument('--decode', type=int, default=64)
    p.add_argument('--repeat', type=int, default=3)
    p.add_argument('--seconds', type=float, default=1e9, help='begin no measurement after this time')
    p.add_argument('--out', type=pathlib.Path, default=pathlib.Path('bench-results'))
    a = p.parse_args()
    infer, begin, path = peers.find_infer(a.infer), time.monotonic(), a.out / 'generate.json'
    results = peers.load_results(path, {'runs': [], 'models': {}})
    results['runs'].append(peers.run_record())
    peers.warn_if_busy(results['runs'][-1]['machine'])
    left = 0
    for gguf in a.gguf or [peers.SMOLLM2]:
        model = results['models'].setdefault(os.path.basename(os.path.realpath(gguf)).removesuffix('.gguf'), {})
        longest = peers.run_json([infer, 'info', '--gguf', gguf, '--json'])['config']['context']
        for context in (c for c in a.contexts if c <= longest):
            for threads in a.threads:
                if model.get(f'{context}/{threads}', {'others': 9})['others'] < 0.1:
                    continue
                if time.monotonic() - begin > a.seconds:
                    left += 1
                    continue
                others = peers.OtherLoad()
                r = peers.run_json([infer, 'bench', '--gguf', gguf, '--prefill', str(context - a.decode - 1), '--decode', str(a.decode), '--threads', str(threads),
                                    '--repeat', str(a.repeat), '--json'])
                model[f'{context}/{threads}'] = {**r, 'context': context, 'others': others.processors()}
                peers.save_results(path, results)
                print(f'{gguf} context {context} threads {threads}: {r["decode_tok_s"]:.1f} tok/s, others kept {model[f"{context}/{threads}"]["others"]:.2f} processors busy', file=sys.stderr)
    text = table(results)
    (a.out / 'generate.md').write_text(text)
    print(text)
    if left:
        print(f'{left} measurements are left: call it again', file=sys.stderr)


if __name__ == '__main__':
    try:
        main()
    except peers.Missing as problem:
        sys.exit(f'generate.py: {problem}')
