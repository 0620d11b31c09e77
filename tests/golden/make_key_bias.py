#!/usr/bin/env python3
"""Makes tests/golden/data/key_bias.gguf, .json and .logprobs: a tiny `qwen2` whose keys have large biases, as those of Qwen 2.5 do, and what float64
numpy says about it. Prints what llama.cpp loses there by a Q8_0 cache of keys and values.

usage: /opt/ref/venv/bin/python tests/golden/make_key_bias.py [--out DIR]      (PyPI numpy, gguf, llama-cpp-python)
2 layers, 128 wide, one head (llama.cpp wants heads as wide as the model), FFN 32; in each layer twelve biases of keys are 100 to 260 long, of either sign, the others of
the size of 0.1. Weights are F16. Prompts are the first 20, 100, 300 and 600 of 600 tokens; fields of the .json are those of make.py's, and
"kl_llama_cpp": KL in nats of llama.cpp with a Q8_0 cache, prompt by prompt."""
import argparse, json, pathlib
import gguf, numpy as np
from vocabulary import byte_bpe

HIDDEN, HEADS, KV_HEADS, DIM, FFN, LAYERS, CONTEXT, BASE, EPS = 128, 1, 1, 128, 32, 2, 1024, 10000.0, 1e-6
LENGTHS = (20, 100, 300, 600)
OUT = pathlib.Path(__file__).resolve().parent / 'data'


def tensors(n_vocab):
    rng = np.random.default_rng(17)

    def matrix(rows, cols, scale):
        return (rng.standard_normal((rows, cols)) * scale).astype(np.float16)

    def vector(n, mean, scale):
        return (mean + rng.standard_normal(n) * scale).astype(np.float32)

    t = {'token_embd.weight': matrix(n_vocab, HIDDEN, 0.3), 'output_norm.weight': vector(HIDDEN, 1, 0.05)}
    for i in range(LAYERS):
        p = f'blk.{i}.'
        t[p + 'attn_norm.weight'], t[p + 'ffn_norm.weight'] = vector(HIDDEN, 1, 0.05), vector(HIDDEN, 1, 0.05)
        for name, heads in ('q', HEADS), ('k', KV_HEADS), ('v', KV_HEADS):
            t[f'{p}attn_{name}.weight'] = matrix(heads * DIM, HIDDEN, 0.07)
            t[f'{p}attn_{name}.bias'] = vector(heads * DIM, 0, 0.1)
        at = rng.choice(DIM, 12, replace=False)
        t[p + 'attn_k.bias'][at] = rng.uniform(100, 260, 12) * rng.choice([-1, 1], 12)
        t[p + 'attn_output.weight'] = matrix(HIDDEN, HEADS * DIM, 0.1)
        for name, rows, cols in ('gate', FFN, HIDDEN), ('up', FFN, HIDDEN), ('down', HIDDEN, FFN):
            t[f'{p}ffn_{name}.weight'] = matrix(rows, cols, 0.1)
    return t


def write(path, t, vocabulary):
    g = gguf.GGUFWriter(path, 'qwen2')
    g.add_name('key bias')
    g.add_context_length(CONTEXT), g.add_embedding_length(HIDDEN), g.add_block_count(LAYERS), g.add_feed_forward_length(FFN)
    g.add_head_count(HEADS), g.add_head_count_kv(KV_HEADS), g.add_layer_norm_rms_eps(EPS), g.add_rope_freq_base(BASE)
    g.add_rope_dimension_count(DIM), g.add_key_length(DIM), g.add_value_length(DIM)
    g.add_tokenizer_model(vocabulary['model']), g.add_tokenizer_pre(vocabulary['pre']), g.add_token_list(vocabulary['tokens'])
    g.add_token_types(vocabulary['types']), g.add_token_merges(vocabulary['merges'])
    g.add_bos_token_id(vocabulary['bos']), g.add_eos_token_id(vocabulary['eos']), g.add_add_bos_token(False)
    for name, x in t.items():
        g.add_tensor(name, x)
    g.write_header_to_file(), g.write_kv_data_to_file(), g.write_tensors_to_file(), g.close()


def rotated(x):
    """x [tokens][heads][DIM], halves turned by position."""
    angle = np.arange(len(x))[:, None, None] * BASE ** (-np.arange(DIM // 2) / (DIM // 2))
    a, b, c, s = x[..., :DIM // 2], x[..., DIM // 2:], np.cos(angle), np.sin(angle)
    return np.concatenate([a * c - b * s, b * c + a * s], -1)


def logprobs(t, ids):
    """Float64, of every token."""
    w = {name: x.astype(np.float64) for name, x in t.items()}

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * w[name + '.weight']

    def linear(x, name):
        return x @ w[name + '.weight'].T + w.get(name + '.bias', 0)

    n = len(ids)
    x = w['token_embd.weight'][ids]
    for i in range(LAYERS):
        p = f'blk.{i}.'
        y = norm(x, p + 'attn_norm')
        q, k, v = (linear(y, f'{p}attn_{name}').reshape(n, -1, DIM) for name in 'qkv')
        q, k = rotated(q), rotated(k)
        score = np.einsum('thd,sgd->hts', q, k) / np.sqrt(DIM)  # one KV head
        score[:, ~np.tril(np.ones((n, n), bool))] = -np.inf
        e = np.exp(score - score.max(-1, keepdims=True))
        attended = np.einsum('hts,sgd->thd', e / e.sum(-1, keepdims=True), v).reshape(n, -1)
        x = x + linear(attended, p + 'attn_output')
        y = norm(x, p + 'ffn_norm')
        gate = linear(y, p + 'ffn_gate')
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, p + 'ffn_up'), p + 'ffn_down')
    z = norm(x, 'output_norm') @ w['token_embd.weight'].T
    z -= z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def llama_cpp_divergence(path, ids, want, kind):
    import llama_cpp
    values = []
    for n in LENGTHS:
        model = llama_cpp.Llama(str(path), n_ctx=CONTEXT, n_threads=1, n_batch=512, type_k=kind, type_v=kind, flash_attn=kind != 0, logits_all=True, verbose=False)
        model.eval([int(i) for i in ids[:n]])
        z = np.array(model.scores[n - 1], np.float64)
        z -= z.max()
        z -= np.log(np.exp(z).sum())
        values.append(float((np.exp(want[n - 1]) * (want[n - 1] - z)).sum()))
    return values


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--out', type=pathlib.Path, default=OUT)
    a = a.parse_args()
    vocabulary = byte_bpe('gpt-2')
    n_vocab = len(vocabulary['tokens'])
    t = tensors(n_vocab)
    ids = np.random.default_rng(18).integers(3, n_vocab, LENGTHS[-1]).astype(np.int32)
    want = logprobs(t, ids)
    write(a.out / 'key_bias.gguf', t, vocabulary)
    (a.out / 'key_bias.logprobs').write_bytes(want[[n - 1 for n in LENGTHS]].astype(np.float32).tobytes())
    import llama_cpp
    theirs = {}
    for name, kind in ('F32', llama_cpp.GGML_TYPE_F32), ('Q8_0', llama_cpp.GGML_TYPE_Q8_0):
        theirs[name] = [round(v, 5) for v in llama_cpp_divergence(a.out / 'key_bias.gguf', ids, want, kind)]
        print(f'llama.cpp, {name} cache: KL {theirs[name]} after {LENGTHS} tokens')
    (a.out / 'key_bias.json').write_text(json.dumps({
        'file': 'key_bias.gguf', 'logprobs': 'key_bias.logprobs', 'vocab_size': n_vocab, 'blocks': False, 'logprob_tolerance': 1e-3,
        'kl_llama_cpp': theirs['Q8_0'], 'prompts': [{'ids': ids[:n].tolist()} for n in LENGTHS]}, separators=(',', ':')))


if __name__ == '__main__':
    main()
