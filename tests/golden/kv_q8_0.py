#!/usr/bin/env python3
"""What a Q8_0 cache loses against the same engine's F32 cache, for the library and for llama.cpp: KL in nats after each token of a text, the mean
of all and after 20, 100, 300 and 600 tokens.

usage: RUSTML_LIBRARY=build/dev/src/api/librustml.so.1 /opt/ref/venv/bin/python tests/golden/kv_q8_0.py MODEL.gguf [--text FILE] [--tokens 600]
Needs PyPI llama-cpp-python, which also makes the ids."""
import argparse, pathlib, sys
import llama_cpp, numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bindings/python'))
import rustml  # noqa: E402


def log_softmax(z):
    z = np.asarray(z, np.float64)
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def ours(path, ids, kind):
    with rustml.Model.open(path) as model, model.session(kv_type=kind, context_tokens=len(ids) + 1) as session:
        out = []
        for token in ids:
            session.eval([token])
            out.append(log_softmax(session.logits))
        return np.array(out)


def theirs(path, ids, kind):
    kind = {'f32': llama_cpp.GGML_TYPE_F32, 'q8_0': llama_cpp.GGML_TYPE_Q8_0}[kind]
    model = llama_cpp.Llama(path, n_ctx=len(ids) + 1, n_threads=2, type_k=kind, type_v=kind, flash_attn=kind != 0, logits_all=True, verbose=False)
    model.eval(ids)
    return log_softmax(model.scores[:len(ids)])


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('model')
    p.add_argument('--text', type=pathlib.Path, default=ROOT / 'LICENSE')
    p.add_argument('--tokens', type=int, default=600)
    a = p.parse_args()
    ids = llama_cpp.Llama(a.model, vocab_only=True, verbose=False).tokenize(a.text.read_bytes(), add_bos=False)[:a.tokens]
    for name, run in ('librustml', ours), ('llama.cpp', theirs):
        exact, rounded = (run(a.model, ids, kind) for kind in ('f32', 'q8_0'))
        kl = (np.exp(exact) * (exact - rounded)).sum(-1)
        some = ', '.join(f'{kl[n - 1]:.6f}' for n in (20, 100, 300, 600) if n <= len(ids))
        print(f'{name}: KL of the Q8_0 cache {kl.mean():.6f} on average over {len(ids)} tokens; after 20, 100, 300, 600 tokens {some}')


if __name__ == '__main__':
    main()
