#!/usr/bin/env python3
"""The importance of a Llama model's columns for llama.cpp's quantizer: per matrix the mean square of each of its inputs over a text, by transformers.

usage: /opt/ref/venv/bin/python tests/golden/importance.py F32.gguf TEXT-FILE OUT.npz [--tokens 2048]
The GGUF file holds F32 (`rustml-infer quantize MODEL F32.gguf --type F32`) and a byte-level BPE vocabulary. llama_cpp_types.py --importance reads the result."""
import argparse

import gguf, llama_cpp, numpy as np, torch
from transformers import LlamaConfig, LlamaForCausalLM

PARTS = {'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj', 'ffn_gate': 'mlp.gate_proj',
         'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj', 'attn_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm'}
WINDOW = 512


def their_name(name):
    if not name.startswith('blk.'):
        return {'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight', 'output.weight': 'lm_head.weight'}[name]
    _, layer, part, kind = name.split('.')
    return f'model.layers.{layer}.{PARTS[part]}.{kind}'


def load(path):
    reader = gguf.GGUFReader(path)
    value = lambda key: reader.fields['llama.' + key].contents()
    heads, kv_heads = value('attention.head_count'), value('attention.head_count_kv')
    weights = {}
    for t in reader.tensors:
        x = np.array(t.data, np.float32).reshape([int(n) for n in reversed(t.shape)])
        part = t.name.split('.')[-2]
        if part in ('attn_q', 'attn_k'):  # rows of a head: from neighbouring pairs to halves
            x = x.reshape(heads if part == 'attn_q' else kv_heads, -1, 2, x.shape[1]).swapaxes(1, 2).reshape(x.shape)
        weights[their_name(t.name)] = torch.from_numpy(x.copy())
    config = LlamaConfig(vocab_size=len(weights['model.embed_tokens.weight']), hidden_size=value('embedding_length'), intermediate_size=value('feed_forward_length'),
                         num_hidden_layers=value('block_count'), num_attention_heads=heads, num_key_value_heads=kv_heads, rms_norm_eps=value('attention.layer_norm_rms_epsilon'),
                         rope_parameters={'rope_type': 'default', 'rope_theta': value('rope.freq_base')}, tie_word_embeddings='lm_head.weight' not in weights)
    model = LlamaForCausalLM(config).eval()
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) <= {'lm_head.weight'}, (missing, unexpected)
    return model


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('model'), p.add_argument('text'), p.add_argument('out')
    p.add_argument('--tokens', type=int, default=2048)
    a = p.parse_args()
    ids = llama_cpp.Llama(a.model, vocab_only=True, verbose=False).tokenize(open(a.text, 'rb').read(), add_bos=False)[:a.tokens]
    model, squares = load(a.model), {}
    ours = {part: name for name, part in PARTS.items()}
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear) and name != 'lm_head':
            _, _, index, part = name.split('.', 3)
            key = f'blk.{index}.{ours[part]}.weight'
            layer.register_forward_pre_hook(lambda _, x, key=key: squares.setdefault(key, []).append(x[0][0].double().square().sum(0).numpy()))
    with torch.no_grad():
        for i in range(0, len(ids), WINDOW):
            model(torch.tensor([ids[i:i + WINDOW]]), logits_to_keep=1)
    np.savez(a.out, **{key: (np.sum(parts, 0) / len(ids)).astype(np.float32) for key, parts in squares.items()})
    print(f'{a.out}: {len(squares)} matrices, {len(ids)} tokens')


if __name__ == '__main__':
    main()
