#!/usr/bin/env python3
"""A real model as llama.cpp's quantizer writes it in other types, by both engines: types inside, first-step log-probabilities, an answer, rates.

usage: /opt/ref/venv/bin/python tests/golden/llama_cpp_types.py RUSTML-INFER [MODEL.gguf] [--type IQ4_NL ...] [--importance FILE.npz] [--tokens 24]
MODEL is SmolLM2 by default (RUSTML_SMOLLM2). `Q2_K:IQ4_NL` is what llama.cpp named Q2_K until 2026: rows that are no multiple of 256 are IQ4_NL, not Q4_0. Both engines round activations to 8 bits, each in its own way, and this small model magnifies that; so both
are also compared with llama.cpp in float32, on the file that llama.cpp itself expands to F32. For each type over PROMPTS: how far our log-probability of
llama.cpp's first choice is from its own (median, largest), and the root mean square over its 20 likeliest tokens of us and of llama.cpp from float32.
Fails where the median is above MEDIAN, or where we are further from float32 than FURTHER times llama.cpp. K and V are float32 in all of it.
Needs PyPI `llama-cpp-python` and `gguf`; without them prints SKIPPED."""
import argparse, collections, ctypes, json, os, statistics, subprocess, sys, tempfile

MEDIAN, FURTHER, TOP = 0.2, 1.25, 20
PROMPTS = ['The capital of France is', 'Once upon a time, in a small village by the sea, there lived an old fisherman who', 'Water boils at 100 degrees Celsius and freezes at',
           'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n    if n < 2:\n        return n\n    ', 'The months of the year are January, February, March,',
           '{"name": "Ada Lovelace", "born": 1815, "address": {"city": "', 'Photosynthesis is the process by which plants', '1 2 3 5 8 13 21 34 55']


def requantized(source, path, kind, importance=None):
    import llama_cpp
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype, options.nthread, options.allow_requantize = getattr(llama_cpp, {'F32': 'LLAMA_FTYPE_ALL_F32'}.get(kind, f'LLAMA_FTYPE_MOSTLY_{kind}')), 2, True
    if importance:
        rows = [(name.encode(), x.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), x.size) for name, x in importance.items()] + [(None, None, 0)]
        options.imatrix = (llama_cpp.llama_model_imatrix_data * len(rows))(*rows)
    if llama_cpp.llama_model_quantize(source.encode(), path.encode(), ctypes.byref(options)) != 0:
        sys.exit(f'llama_cpp_types.py: llama.cpp could not quantize {source} to {kind}')


def make(source, path, kind, importance):
    import gguf
    name, _, instead = kind.partition(':')
    requantized(source, path, name, importance)
    if not instead:
        return
    requantized(source, path + '.other', instead)
    others = {t.name: t for t in gguf.GGUFReader(path + '.other').tensors}
    for t in gguf.GGUFReader(path, 'r+').tensors:
        if t.tensor_type.name == 'Q4_0' and others[t.name].n_bytes == t.n_bytes:
            t.field.parts[4][0] = others[t.name].tensor_type  # blocks of both have 18 bytes
            t.data[:] = others[t.name].data


class Theirs:
    def __init__(self, path):
        import llama_cpp
        self.model = llama_cpp.Llama(path, n_ctx=512, n_threads=2, type_k=0, type_v=0, flash_attn=False, logits_all=True, verbose=False)

    def logprobs(self, ids):
        import numpy as np
        self.model.reset()
        self.model.eval(ids)
        logits = np.array(self.model.scores[self.model.n_tokens - 1], np.float64)
        return logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())

    def answer(self, ids, n):
        tokens = []
        for _ in range(n):
            tokens.append(int(self.logprobs(ids + tokens).argmax()))
        return self.model.detokenize(tokens).decode(errors='replace')


def ours(infer, path, prompt, n):
    """Ids of the prompt, log-probabilities of the first step's likeliest tokens, the answer, and what the program says at its end."""
    common = ['--gguf', path, '--prompt', prompt, '--json', '--quiet', '--log', 'error']
    def lines(command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f'llama_cpp_types.py: {" ".join(command)}: {done.stdout} {done.stderr}')
        return list(map(json.loads, done.stdout.splitlines()))
    run = lines([infer, *common, '--max-tokens', str(n), '--ignore-eos', '--kv-type', 'f32', '--logprobs', str(2 * TOP)])
    tokens = [e for e in run if e['type'] == 'token']
    return lines([infer, 'tokenize', *common])[0]['ids'], {t['id']: t['logprob'] for t in tokens[0]['top']}, ''.join(t['text'] for t in tokens), run[-1]


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('infer')
    p.add_argument('model', nargs='?', default=os.environ.get('RUSTML_SMOLLM2'))
    p.add_argument('--type', nargs='+', default=['IQ4_NL', 'IQ4_XS', 'Q2_K:IQ4_NL'])
    p.add_argument('--importance', help='what importance.py wrote; without it llama.cpp refuses IQ2 and IQ1, and IQ3 ruins small models')
    p.add_argument('--tokens', type=int, default=24)
    a = p.parse_args()
    try:
        import gguf, llama_cpp, numpy  # noqa: F401
    except ImportError as e:
        print(f'SKIPPED types against llama.cpp: {e}')
        return 77
    failures, importance = 0, dict(numpy.load(a.importance)) if a.importance else None
    with tempfile.TemporaryDirectory() as folder:
        source, path, expanded = (f'{folder}/{name}.gguf' for name in ('source', 'model', 'expanded'))
        requantized(a.model, source, 'F32')
        for kind in a.type:
            make(source, path, kind, importance)
            requantized(path, expanded, 'F32')
            types = collections.Counter(t.tensor_type.name for t in gguf.GGUFReader(path).tensors)
            theirs, exact, distances, squares = Theirs(path), Theirs(expanded), [], collections.Counter()
            for i, prompt in enumerate(PROMPTS):
                ids, first, text, done = ours(a.infer, path, prompt, a.tokens if i == 0 else 1)
                expected, float32 = theirs.logprobs(ids), exact.logprobs(ids)
                if i == 0:
                    answers, time, usage = (text, theirs.answer(ids, a.tokens)), done['timings'], done['usage']
                best = int(expected.argmax())
                distances.append(abs(first.get(best, -99.0) - expected[best]))
                for token in (-float32).argsort()[:TOP]:
                    squares['ours'] += (first.get(int(token), -99.0) - float32[token]) ** 2
                    squares['theirs'] += (expected[token] - float32[token]) ** 2
            spread = {who: (s / TOP / len(PROMPTS)) ** 0.5 for who, s in squares.items()}
            bad = statistics.median(distances) > MEDIAN or spread['ours'] > FURTHER * spread['theirs']
            failures += bad
            print(f'{"FAILED " if bad else ""}{kind}: {dict(types)}, {os.path.getsize(path) / 2**20:.0f} MiB; first choice {statistics.median(distances):.3f}, at most '
                  f'{max(distances):.3f} from llama.cpp; from float32: ours {spread["ours"]:.3f}, llama.cpp {spread["theirs"]:.3f}; answer at '
                  f'{usage["generated_tokens"] / time["decode_seconds"]:.0f} tokens/s\n  ours:   {answers[0]!r}\n  theirs: {answers[1]!r}', flush=True)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
