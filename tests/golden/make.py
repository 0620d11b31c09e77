#!/usr/bin/env python3
"""Makes the golden files of tests/golden/data: tiny random Llama models as GGUF, and what transformers says about them.

usage: python3 -m venv v && v/bin/pip install numpy torch transformers tokenizers gguf llama-cpp-python safetensors
       v/bin/python tests/golden/make.py [--out DIR] [--only NAME ...] [--reference /path/to/reference.py]
Deterministic: everything random is seeded by the model's name. The committed files were made with numpy 2.4, torch 2.x, transformers 5.23,
gguf 0.19 and llama-cpp-python 0.3.36 (whose libggml quantizes the K types; it also gives the second opinion printed at the end).

References are LlamaForCausalLM in float32 with eager attention, run on the values that the file really holds (dequantized by PyPI `gguf`). For
block types the library also quantizes activations (per 32 values to 8 bits), which transformers does not: how much that alone may move the
result is emulated here, and the stated bound is three times the largest divergence seen. Meaning of every field: README.md beside this file."""
import argparse, ctypes, json, pathlib, subprocess, sys, tempfile, zlib
from dataclasses import dataclass, field
import gguf, numpy as np, torch
from gguf import GGMLQuantizationType as T
from transformers import LlamaConfig, LlamaForCausalLM
import vocabulary

HERE = pathlib.Path(__file__).resolve().parent
STEPS, TOP, NEAR_TIE = 16, 8, 5e-4


@dataclass
class Shape:  # with traps: see the comment at each model
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: dict
    layers: int = 2
    tied: bool = True
    context: int = 1024
    eps: float = 1e-5
    rope_base: float = 10000.0
    rope: dict = field(default_factory=lambda: {'rope_type': 'default'})
    bias: bool = False
    prompts: tuple = (1, 5, 33, 129, 387)  # lengths; attention works in blocks of 128 positions


SMOLLM, GPT2, SPM = vocabulary.byte_bpe('smollm'), vocabulary.byte_bpe('gpt-2'), vocabulary.sentencepiece()
SHAPES = {
    # heads * head_dim = 192 != hidden, three query heads to a KV head, 96 = 3 blocks of 32, unusual rotary base
    'base': Shape(hidden=96, heads=6, kv_heads=2, head_dim=32, ffn=64, vocab=SMOLLM, rope_base=27000.0, eps=1e-3),
    # nothing a multiple of 16 or 32, head of its own, Llama 2 vocabulary, float types only
    'odd': Shape(hidden=54, heads=6, kv_heads=2, head_dim=22, ffn=90, vocab=SPM, tied=False),
    # Llama 3 rotary scaling (tensor rope_freqs.weight), head_dim 24, no grouping at all
    'llama3': Shape(hidden=64, heads=4, kv_heads=4, head_dim=24, ffn=96, vocab=GPT2, rope_base=5000.0, tied=False,
                    rope={'rope_type': 'llama3', 'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0, 'original_max_position_embeddings': 128}),
    # linear rotary scaling, one KV head
    'linear': Shape(hidden=60, heads=5, kv_heads=1, head_dim=24, ffn=96, vocab=GPT2, rope={'rope_type': 'linear', 'factor': 3.0}),
    # biases on q, k, v and output
    'bias': Shape(hidden=64, heads=4, kv_heads=2, head_dim=16, ffn=96, vocab=GPT2, bias=True, prompts=(5, 129)),
    # the types with blocks of 256, several in one file
    'kquant': Shape(hidden=256, heads=4, kv_heads=2, head_dim=64, ffn=96, vocab=SMOLLM, tied=True),
    # IQ4_NL and IQ4_XS in one file
    'iq4': Shape(hidden=256, heads=4, kv_heads=2, head_dim=64, ffn=64, vocab=SMOLLM, layers=1, prompts=(5, 129)),
    # all types with grids in one file
    'iq3': Shape(hidden=256, heads=4, kv_heads=2, head_dim=64, ffn=256, vocab=SMOLLM, layers=1, prompts=(5, 129)),
    # work enough for cancel and deadline tests: 4,000-token prompts; the last layer attends for one of them only
    'slow': Shape(hidden=128, heads=4, kv_heads=1, head_dim=24, ffn=768, vocab=SMOLLM, layers=4, context=8192, prompts=(5, 4001)),
}
MIXED = {'token_embd': T.Q6_K, 'attn_q': T.Q4_K, 'attn_k': T.Q2_K, 'attn_v': T.Q6_K, 'attn_output': T.Q5_K, 'ffn_gate': T.Q3_K, 'ffn_up': T.Q5_0, 'ffn_down': T.Q5_1}
IQ4 = {'token_embd': T.IQ4_NL, 'attn_q': T.IQ4_XS, 'attn_k': T.IQ4_XS, 'attn_v': T.IQ4_NL, 'attn_output': T.IQ4_XS, 'ffn_gate': T.IQ4_XS, 'ffn_up': T.IQ4_NL, 'ffn_down': T.IQ4_NL}
IQ3 = {'token_embd': T.IQ3_S, 'attn_q': T.IQ3_XXS, 'attn_k': T.IQ2_S, 'attn_v': T.IQ3_S, 'attn_output': T.IQ2_XS, 'ffn_gate': T.IQ2_XXS, 'ffn_up': T.IQ1_S, 'ffn_down': T.IQ1_M}
FILES = {  # file -> shape, type of every matrix (or by tensor)
    'base_f32': ('base', T.F32), 'base_f16': ('base', T.F16), 'base_bf16': ('base', T.BF16), 'base_q8_0': ('base', T.Q8_0), 'base_q4_0': ('base', T.Q4_0),
    'base_q4_1': ('base', {'token_embd': T.Q8_0, '': T.Q4_1}),  # as the real SmolLM2 file
    'odd_f32': ('odd', T.F32), 'odd_f16': ('odd', T.F16), 'llama3_f16': ('llama3', T.F16), 'linear_f16': ('linear', T.F16), 'bias_f16': ('bias', T.F16),
    'kquant': ('kquant', MIXED), 'iq4': ('iq4', IQ4), 'iq3': ('iq3', IQ3), 'slow_q4_0': ('slow', T.Q4_0),
}


def random_weights(name, s):
    """Hugging Face names -> float32. Spread that matters: with the usual 0.02 logits are flat and hide errors."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    matrix = lambda rows, cols: (rng.standard_normal((rows, cols)) * 1.4 / np.sqrt(cols)).astype(np.float32)
    norm = lambda: (1 + 0.2 * rng.standard_normal(s.hidden)).astype(np.float32)
    n = len(s.vocab['tokens'])
    w = {'model.embed_tokens.weight': (rng.standard_normal((n, s.hidden)) * rng.uniform(0.05, 0.08, (n, 1))).astype(np.float32)}
    for l in range(s.layers):
        p = f'model.layers.{l}.'
        w[p + 'input_layernorm.weight'], w[p + 'post_attention_layernorm.weight'] = norm(), norm()
        q, kv = s.heads * s.head_dim, s.kv_heads * s.head_dim
        for key, rows, cols in (('q', q, s.hidden), ('k', kv, s.hidden), ('v', kv, s.hidden), ('o', s.hidden, q)):
            w[p + f'self_attn.{key}_proj.weight'] = matrix(rows, cols)
            if s.bias:
                w[p + f'self_attn.{key}_proj.bias'] = (0.1 * rng.standard_normal(rows)).astype(np.float32)
        for key, rows, cols in (('gate', s.ffn, s.hidden), ('up', s.ffn, s.hidden), ('down', s.hidden, s.ffn)):
            w[p + f'mlp.{key}_proj.weight'] = matrix(rows, cols)
    w['model.norm.weight'] = norm()
    if not s.tied:
        w['lm_head.weight'] = matrix(n, s.hidden)
    return w


def gguf_name(name):
    if not name.startswith('model.layers.'):
        return {'model.embed_tokens': 'token_embd', 'model.norm': 'output_norm', 'lm_head': 'output'}[name.rsplit('.', 1)[0]] + '.weight'
    _, _, layer, *middle, kind = name.split('.')
    part = {'input_layernorm': 'attn_norm', 'post_attention_layernorm': 'ffn_norm', 'q_proj': 'attn_q', 'k_proj': 'attn_k', 'v_proj': 'attn_v',
            'o_proj': 'attn_output', 'gate_proj': 'ffn_gate', 'up_proj': 'ffn_up', 'down_proj': 'ffn_down'}[middle[-1]]
    return f'blk.{layer}.{part}.{kind}'


def neighbours(x, heads):
    """Rows of q or k from 'rotate halves' order to GGUF's 'rotate neighbouring pairs': of each head, row i and row i + d/2 become neighbours."""
    return x.reshape(heads, 2, -1, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def halves(x, heads):
    return x.reshape(heads, -1, 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def quantize(x, dtype):
    if dtype in (T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0):
        return gguf.quantize(x, dtype)
    import llama_cpp  # the K types' quantizers are in libggml only
    ggml = ctypes.CDLL(str(pathlib.Path(llama_cpp.__file__).parent / 'lib' / 'libggml-base.so'))
    block, size = gguf.GGML_QUANT_SIZES[dtype]
    x = np.ascontiguousarray(x, np.float32)
    out = np.zeros((x.shape[0], x.shape[1] // block * size), np.uint8)
    weights = np.ones(x.shape[1], np.float32) if dtype in (T.IQ2_XXS, T.IQ2_XS, T.IQ1_S, T.IQ1_M) else None  # an importance matrix, which these demand
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    assert ggml.ggml_quantize_chunk(int(dtype), x.ctypes.data, out.ctypes.data, 0, x.shape[0], x.shape[1], weights.ctypes.data if weights is not None else None) == out.nbytes
    return out


def llama3_factors(s):
    """rope_freqs.weight: what each frequency is divided by (the published Llama 3.1 rule)."""
    r = s.rope
    wavelength = 2 * np.pi * s.rope_base ** (np.arange(0, s.head_dim, 2) / s.head_dim)
    smooth = (r['original_max_position_embeddings'] / wavelength - r['low_freq_factor']) / (r['high_freq_factor'] - r['low_freq_factor'])
    return (1 / ((1 - np.clip(smooth, 0, 1)) / r['factor'] + np.clip(smooth, 0, 1))).astype(np.float32)


def write_gguf(path, file, s, weights, types):
    """Writes the file; returns the weights as it holds them, under their Hugging Face names."""
    g = gguf.GGUFWriter(path, 'llama')
    g.add_name('golden ' + file)
    g.add_block_count(s.layers); g.add_context_length(s.context); g.add_embedding_length(s.hidden); g.add_feed_forward_length(s.ffn)
    g.add_head_count(s.heads); g.add_head_count_kv(s.kv_heads); g.add_key_length(s.head_dim); g.add_value_length(s.head_dim)
    g.add_rope_dimension_count(s.head_dim); g.add_rope_freq_base(s.rope_base); g.add_layer_norm_rms_eps(s.eps); g.add_vocab_size(len(s.vocab['tokens']))
    if s.rope['rope_type'] == 'linear':
        g.add_rope_scaling_type(gguf.RopeScalingType.LINEAR); g.add_rope_scaling_factor(s.rope['factor'])
    vocabulary.write_keys(g, s.vocab)
    if s.rope['rope_type'] == 'llama3':
        g.add_tensor('rope_freqs.weight', llama3_factors(s))
    held = {}
    for name, x in weights.items():
        heads = {'q_proj': s.heads, 'k_proj': s.kv_heads}.get(name.split('.')[-2])
        rows = neighbours(x, heads) if heads else x
        target = gguf_name(name)
        dtype = T.F32
        if x.ndim == 2:
            dtype = types if isinstance(types, T) else types.get(target.split('.')[-2], types.get(''))
        data = quantize(rows, dtype)
        g.add_tensor(target, data, raw_dtype=dtype)
        value = gguf.dequantize(data, dtype).astype(np.float32).reshape(x.shape)
        held[name] = halves(value, heads) if heads else value
    g.write_header_to_file(); g.write_kv_data_to_file(); g.write_tensors_to_file(); g.close()
    return held


def config(s):
    return LlamaConfig(vocab_size=len(s.vocab['tokens']), hidden_size=s.hidden, intermediate_size=s.ffn, num_hidden_layers=s.layers, num_attention_heads=s.heads,
                       num_key_value_heads=s.kv_heads, head_dim=s.head_dim, max_position_embeddings=s.context, rms_norm_eps=s.eps, attention_bias=s.bias,
                       tie_word_embeddings=s.tied, rope_parameters={**s.rope, 'rope_theta': s.rope_base}, bos_token_id=1, eos_token_id=2)


def transformer(s, weights):
    c = config(s)
    c._attn_implementation = 'eager'
    model = LlamaForCausalLM(c).eval()
    missing, unexpected = model.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()}, strict=False)
    assert not unexpected and set(missing) <= ({'lm_head.weight'} if s.tied else set()), (missing, unexpected)
    return model


def log_probabilities(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids]), logits_to_keep=1).logits[0, -1].double(), -1).numpy()


def eight_bit_activations(_, args):
    """What the library's numerics do to the input of a block-quantized linear layer: per 32 values d = max|x| / 127."""
    x = args[0].reshape(*args[0].shape[:-1], -1, 32)
    d = x.abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
    return ((x / d).round() * d).reshape(args[0].shape)


def divergence(p, q):
    return float((np.exp(p) * (p - q)).sum())


def greedy(model, ids):
    ids, steps, first = list(ids), [], None
    for _ in range(STEPS):
        logp = log_probabilities(model, ids)
        first = logp if first is None else first
        best = np.lexsort((np.arange(len(logp)), -logp))[:TOP]
        steps.append([[int(i), round(float(logp[i]), 6)] for i in best])
        ids.append(int(best[0]))
    return first, steps


def make(file, out):
    shape_name, types = FILES[file]
    s = SHAPES[shape_name]
    held = write_gguf(out / f'{file}.gguf', file, s, random_weights(shape_name, s), types)
    model = transformer(s, held)
    blocks = types not in (T.F32, T.F16, T.BF16)
    rng = np.random.default_rng(zlib.crc32(shape_name.encode()) + 1)
    prompts, firsts = [], []
    for n in s.prompts:
        while True:  # a prompt whose greedy path has no tie that float32 rounding could turn
            ids = rng.integers(0, len(s.vocab['tokens']), n).tolist()
            first, steps = greedy(model, ids)
            if blocks or min(t[0][1] - t[1][1] for t in steps) > NEAR_TIE:
                break
        prompts.append({'ids': ids, 'greedy': [t[0][0] for t in steps], 'steps': [{'top': t} for t in steps]})
        firsts.append(first)
    exact = max(float(np.abs(log_probabilities(model.double(), p['ids']) - f).max()) for p, f in zip(prompts, firsts))
    model.float()
    reference = {'file': f'{file}.gguf', 'logprobs': f'{file}.logprobs', 'vocab_size': len(s.vocab['tokens']), 'blocks': blocks}
    if blocks:
        for layer in (m for m in model.modules() if isinstance(m, torch.nn.Linear)):
            layer.register_forward_pre_hook(eight_bit_activations)
        emulated = [log_probabilities(model, p['ids']) for p in prompts]
        measured = [divergence(f, e) for f, e in zip(firsts, emulated)]
        reference |= {'kl_bound': float(f'{3 * max(measured):.1e}'), 'kl_emulated': [float(f'{m:.2e}') for m in measured]}
    else:
        reference |= {'logprob_tolerance': 1e-4}
    encode = vocabulary.reference_encoder(s.vocab)
    texts = ['The capital of France is', 'What is the answer? 42', 'naïve 😀\n\ttab', ' two  blanks', '<|im_start|>user']
    reference |= {'encodings': [{'text': t, 'ids': encode(t)} for t in texts], 'prompts': prompts}
    np.stack(firsts + (emulated if blocks else [])).astype('<f4').tofile(out / f'{file}.logprobs')
    text = json.dumps(reference, ensure_ascii=True, separators=(',', ':')).replace('{"ids"', '\n{"ids"').replace('"prompts"', '\n"prompts"')
    (out / f'{file}.json').write_text(text + '\n')
    print(f"{file}: {(out / f'{file}.gguf').stat().st_size:,} bytes; float32 against float64 {exact:.1e}; "
          + (f"KL of 8-bit activations {max(measured):.1e}" if blocks else 'exact types'))
    return s, held, prompts, firsts


def second_opinion(path, s, held, prompts, firsts, reference_script):
    """llama.cpp on the file, and the float64 script of the design on the same weights: largest differences, printed."""
    import llama_cpp
    from safetensors.numpy import save_file
    llama = llama_cpp.Llama(str(path), n_ctx=s.context, n_batch=512, n_threads=2, flash_attn=False, type_k=0, type_v=0, verbose=False)
    worst, kl = 0.0, 0.0
    for p, first in zip(prompts, firsts):
        llama.reset(); llama.eval(p['ids'])
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), (len(first),)).astype(np.float64)
        logp = logits - logits.max(); logp -= np.log(np.exp(logp).sum())
        worst, kl = max(worst, float(np.abs(logp - first).max())), max(kl, divergence(first, logp))
    text = f'  llama.cpp: log-probabilities within {worst:.1e}, KL {kl:.1e}'
    agree = sum(llama.tokenize(t.encode(), add_bos=False, special=False) == vocabulary.reference_encoder(s.vocab)(t) for t in (vocabulary.TEXT, 'Hello é 😀'))
    text += f'; encodings equal {agree}/2'
    if reference_script and not s.bias and s.rope['rope_type'] == 'default':
        with tempfile.TemporaryDirectory() as d:
            save_file(held, d + '/model.safetensors')
            pathlib.Path(d, 'config.json').write_text(json.dumps(config(s).to_dict(), default=str))
            out = json.loads(subprocess.check_output([sys.executable, reference_script, d, ' '.join(map(str, prompts[1]['ids'])), str(STEPS)]))
        ours = prompts[1]['steps']
        same = [t['top'][0][0] for t in out['steps']] == [t['top'][0][0] for t in ours]
        gap = max(abs(a[1] - b[1]) for x, y in zip(out['steps'], ours) for a, b in zip(x['top'], y['top']))
        text += f'; reference.py: greedy {"equal" if same else "DIFFER"}, log-probabilities within {gap:.1e}'
    print(text)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--out', type=pathlib.Path, default=HERE / 'data')
    a.add_argument('--only', nargs='*', choices=FILES)
    a.add_argument('--reference', help='the float64 script of the design')
    a.add_argument('--no-second-opinion', action='store_true')
    a = a.parse_args()
    torch.set_num_threads(1)
    a.out.mkdir(parents=True, exist_ok=True)
    for file in a.only or FILES:
        made = make(file, a.out)
        if not a.no_second_opinion:
            second_opinion(a.out / f'{file}.gguf', *made, a.reference)


if __name__ == '__main__':
    main()
