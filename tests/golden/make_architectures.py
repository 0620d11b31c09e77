#!/usr/bin/env python3
"""Makes data/architectures: a tiny random model of every architecture as a Hugging Face directory and as GGUF, and what transformers says.

usage: as make.py: v/bin/python tests/golden/make_architectures.py [--out DIR] [--only NAME ...] [--no-second-opinion]
Deterministic: everything random is seeded by the model's name. config.json is spelled as the published files of each family spell it; names and
keys of the GGUF are those of PyPI `gguf`, put together as llama.cpp's converter does (norms + 1, rows of q and k permuted, rope_freqs, ...).

The references are transformers' own modules with eager attention, run in float64 throughout (see `exact`) on the directory that was written, all
positions in one pass without a cache; the same in float32 must agree within 5e-5 and give the same greedy path. For load-time quantization
weights and activations are rounded to 8 bits per 32 values here; the stated bound is three times the largest divergence seen after a prompt.
llama.cpp's second opinion on the GGUF is printed; GELU from a table of halves and BF16 activations part it from the rest. Fields: README.md."""
import argparse, contextlib, copy, json, math, pathlib, zlib
from dataclasses import dataclass
import gguf, numpy as np, torch
from gguf import GGMLQuantizationType as T
from safetensors.torch import save_file
from tokenizers import AddedToken, decoders, processors
from transformers import AutoConfig, AutoModelForCausalLM, Gemma3ForCausalLM
from transformers.pytorch_utils import Conv1D
import make, vocabulary

STEPS, TOP, NEAR_TIE, FLOAT32_AGREES = 64, 4, 5e-4, 5e-5
ARCH = gguf.MODEL_ARCH
BYTES, PIECES = make.GPT2, make.SPM
N_BYTES, N_PIECES = len(BYTES['tokens']), len(PIECES['tokens'])
DTYPES = {'F32': torch.float32, 'F16': torch.float16, 'BF16': torch.bfloat16}


@dataclass
class Model:
    config: dict  # config.json
    vocab: dict
    arch: ARCH | None  # None: no GGUF
    lengths: tuple = (1, 5, 37, 100)  # of the prompts
    dtype: str = 'F32'
    prefix: str = ''  # before every name in the SafeTensors file
    shards: int = 1
    extra: tuple = ()  # tensors that a loader must ignore: name, shape, dtype

    @property
    def text(self):
        return self.config.get('text_config', self.config)

    @property
    def rope(self):
        rope = self.text.get('rope_parameters') or self.text.get('rope_scaling') or {}
        return rope.get(FULL, rope)

    @property
    def rope_type(self):
        return self.rope.get('rope_type', self.rope.get('type'))

    @property
    def original_context(self):
        return self.text.get('original_max_position_embeddings') or self.rope['original_max_position_embeddings']


def gpt2(**changes):
    c = {'activation_function': 'gelu_new', 'architectures': ['GPT2LMHeadModel'], 'attn_pdrop': 0.1, 'bos_token_id': 2, 'embd_pdrop': 0.1, 'eos_token_id': 2,
         'initializer_range': 0.02, 'layer_norm_epsilon': 1e-05, 'model_type': 'gpt2', 'n_ctx': 176, 'n_embd': 32, 'n_head': 2, 'n_layer': 2, 'n_positions': 176,
         'resid_pdrop': 0.1, 'summary_activation': None, 'summary_first_dropout': 0.1, 'summary_proj_to_labels': True, 'summary_type': 'cls_index',
         'summary_use_proj': True, 'task_specific_params': {'text-generation': {'do_sample': True, 'max_length': 50}}, 'vocab_size': N_BYTES}
    return c | changes


def gemma3(**changes):
    c = {'architectures': ['Gemma3ForCausalLM'], 'attention_bias': False, 'attention_dropout': 0.0, 'attn_logit_softcapping': None, 'bos_token_id': 1,
         'cache_implementation': 'hybrid', 'eos_token_id': [2, 0], 'final_logit_softcapping': None, 'head_dim': 16, 'hidden_activation': 'gelu_pytorch_tanh',
         'hidden_size': 32, 'initializer_range': 0.02, 'intermediate_size': 64, 'max_position_embeddings': 2048, 'model_type': 'gemma3_text',
         'num_attention_heads': 4, 'num_hidden_layers': 7, 'num_key_value_heads': 1, 'pad_token_id': 0, 'query_pre_attn_scalar': 16, 'rms_norm_eps': 1e-06,
         'rope_local_base_freq': 10000, 'rope_scaling': None, 'rope_theta': 1000000, 'sliding_window': 24, 'sliding_window_pattern': 6, 'torch_dtype': 'float32',
         'transformers_version': '4.50.0.dev0', 'use_cache': True, 'vocab_size': N_PIECES}
    c |= changes
    return {k: v for k, v in c.items() if v is not ABSENT}


ABSENT = object()
WINDOW, FULL = 'sliding_attention', 'full_attention'


def llama(**changes):
    c = {'architectures': ['LlamaForCausalLM'], 'attention_bias': False, 'attention_dropout': 0.0, 'bos_token_id': 1, 'eos_token_id': 2, 'head_dim': 16,
         'hidden_act': 'silu', 'hidden_size': 32, 'initializer_range': 0.02, 'intermediate_size': 64, 'max_position_embeddings': 512, 'mlp_bias': False,
         'model_type': 'llama', 'num_attention_heads': 4, 'num_hidden_layers': 2, 'num_key_value_heads': 2, 'pretraining_tp': 1, 'rms_norm_eps': 1e-05,
         'rope_scaling': None, 'rope_theta': 10000.0, 'tie_word_embeddings': False, 'torch_dtype': 'float32', 'transformers_version': '4.45.0.dev0',
         'use_cache': True, 'vocab_size': N_BYTES}
    return {k: v for k, v in (c | changes).items() if v is not ABSENT}


NARROW = {'head_dim': 12, 'hidden_size': 30, 'intermediate_size': 54, 'num_attention_heads': 3, 'num_key_value_heads': 1, 'tie_word_embeddings': True}  # nothing of 32

MODELS = {  # the trap of each stands beside it
    # names with the prefix, and with mask buffers as large as real ones; every matrix can be quantized
    'gpt2': Model(gpt2(), BYTES, ARCH.GPT2, prefix='transformer.', extra=tuple((f'h.{l}.attn.bias', (1, 1, 176, 176), 'F32') for l in range(2))),
    # bare names as in the public file, odd shapes, heads of 10, n_inner written as null, masks of bytes and the scalar of older files
    'gpt2_bare': Model(gpt2(n_embd=30, n_head=3, n_inner=None, layer_norm_epsilon=1e-3), BYTES, ARCH.GPT2,
                       extra=tuple((f'h.{l}.attn.bias', (1, 1, 176, 176), 'BOOL') for l in range(2)) + (('h.0.attn.masked_bias', (), 'F32'),)),
    # seven layers (the sixth is full), window of 24, prompts past it and past what is kept behind it
    'gemma3': Model(gemma3(), PIECES, ARCH.GEMMA3, lengths=(1, 5, 37, 60, 100, 1700)),
    # today's spelling: nested rope_parameters (linear scaling on full layers, unusual bases), layer_types; nothing a multiple of 32; BF16
    'gemma3_linear': Model(gemma3(rope_theta=ABSENT, rope_local_base_freq=ABSENT, rope_scaling=ABSENT, sliding_window_pattern=ABSENT, torch_dtype=ABSENT, dtype='bfloat16',
                                  _sliding_window_pattern=6, layer_types=[WINDOW] * 5 + [FULL, WINDOW], num_hidden_layers=7, hidden_size=30, num_attention_heads=3,
                                  num_key_value_heads=3, head_dim=18, query_pre_attn_scalar=18, intermediate_size=54, max_position_embeddings=512, rms_norm_eps=1e-3,
                                  rope_parameters={FULL: {'factor': 8.0, 'rope_theta': 500000.0, 'rope_type': 'linear'}, WINDOW: {'rope_theta': 7000.0, 'rope_type': 'default'}}),
                           PIECES, ARCH.GEMMA3, lengths=(1, 5, 37, 60, 100), dtype='BF16'),
    # multimodal wrapping: bases and pattern left to their defaults as in the published 4B, a scale that is not head_dim^-0.5, a tensor of the image tower
    'gemma3_vision': Model({'architectures': ['Gemma3ForConditionalGeneration'], 'boi_token_index': 3, 'eoi_token_index': 4, 'eos_token_id': [2, 0], 'image_token_index': 5,
                            'initializer_range': 0.02, 'mm_tokens_per_image': 4, 'model_type': 'gemma3', 'torch_dtype': 'float32', 'transformers_version': '4.50.0.dev0',
                            'text_config': {'head_dim': 12, 'hidden_size': 30, 'intermediate_size': 44, 'max_position_embeddings': 512, 'model_type': 'gemma3_text',
                                            'num_attention_heads': 5, 'num_hidden_layers': 7, 'num_key_value_heads': 1, 'query_pre_attn_scalar': 48, 'rms_norm_eps': 1e-06,
                                            'rope_scaling': {'factor': 8.0, 'rope_type': 'linear'}, 'sliding_window': 17, 'vocab_size': N_PIECES},
                            'vision_config': {'hidden_size': 16, 'image_size': 28, 'intermediate_size': 32, 'model_type': 'siglip_vision_model', 'num_attention_heads': 2,
                                              'num_hidden_layers': 1, 'patch_size': 14, 'vision_use_head': False}},
                           PIECES, None, lengths=(1, 5, 37, 60, 100), prefix='language_model.',
                           extra=(('vision_tower.vision_model.embeddings.patch_embedding.bias', (16,), 'F32'), ('multi_modal_projector.mm_input_projection_weight', (16, 30), 'F32'))),
    # Llama 3 scaling, head of its own, heads * head_dim = 2 * hidden
    'llama': Model(llama(rope_theta=500000.0, rms_norm_eps=1e-3, rope_scaling={'factor': 8.0, 'high_freq_factor': 4.0, 'low_freq_factor': 1.0,
                                                                              'original_max_position_embeddings': 64, 'rope_type': 'llama3'}), BYTES, ARCH.LLAMA),
    # tied head, biases on q, k, v and o, head_dim left out, the old spelling of scaling
    'llama_bias': Model(llama(attention_bias=True, tie_word_embeddings=True, head_dim=ABSENT, hidden_size=42, num_attention_heads=3, num_key_value_heads=1,
                              intermediate_size=54, rope_scaling={'factor': 3.0, 'type': 'linear'}, bos_token_id=1), BYTES, ARCH.LLAMA),
    # every layer has a window, shorter than the prompts; GGUF's llama has no key for it
    'mistral': Model(llama(architectures=['MistralForCausalLM'], model_type='mistral', sliding_window=24, attention_bias=ABSENT, mlp_bias=ABSENT, pretraining_tp=ABSENT,
                           rope_scaling=ABSENT, torch_dtype='float16'), BYTES, None, lengths=(1, 5, 24, 25, 37, 100, 200), dtype='F16'),
    # biases on q, k, v without a switch, a window that is switched off
    'qwen2': Model(llama(architectures=['Qwen2ForCausalLM'], model_type='qwen2', attention_bias=ABSENT, mlp_bias=ABSENT, pretraining_tp=ABSENT, rope_scaling=ABSENT,
                         head_dim=ABSENT, num_attention_heads=2, num_key_value_heads=1, max_window_layers=1, rms_norm_eps=1e-06, rope_theta=1000000.0, sliding_window=16,
                         tie_word_embeddings=True, use_sliding_window=False), BYTES, ARCH.QWEN2),
    # norms on q and k, head_dim != hidden / heads, more rows than the tokenizer has tokens, two shards
    'qwen3': Model(llama(architectures=['Qwen3ForCausalLM'], model_type='qwen3', mlp_bias=ABSENT, pretraining_tp=ABSENT, head_dim=24, hidden_size=36, num_attention_heads=3,
                         num_key_value_heads=1, max_window_layers=2, rope_theta=1000000, sliding_window=None, tie_word_embeddings=True, use_sliding_window=False,
                         vocab_size=N_BYTES + 13), BYTES, ARCH.QWEN3, shards=2),
    # YaRN as Qwen's model cards have it: max_position_embeddings is the length before YaRN, which prompts and answers leave behind; an own attention factor
    'llama_yarn': Model(llama(rope_theta=300.0, max_position_embeddings=64, **NARROW, rope_scaling={
        'attention_factor': 1.21, 'factor': 4.0, 'original_max_position_embeddings': 64, 'rope_type': 'yarn'}), BYTES, ARCH.LLAMA),
    # the spelling of old configurations, attention factor from mscale and mscale_all_dim
    'qwen2_yarn': Model(llama(architectures=['Qwen2ForCausalLM'], model_type='qwen2', attention_bias=ABSENT, mlp_bias=ABSENT, pretraining_tp=ABSENT, rope_theta=1000.0,
                              **NARROW | {'head_dim': ABSENT, 'hidden_size': 36}, use_sliding_window=False, rope_scaling={'factor': 2.5, 'mscale': 0.707, 'mscale_all_dim': 1.5, 'original_max_position_embeddings': 128, 'type': 'yarn'}),
                        BYTES, ARCH.QWEN2),
    # today's spelling; borders between pairs (truncate), own betas: GGUF has no key for the first
    'qwen3_yarn': Model(llama(architectures=['Qwen3ForCausalLM'], model_type='qwen3', mlp_bias=ABSENT, pretraining_tp=ABSENT, rope_theta=ABSENT, rope_scaling=ABSENT, **NARROW,
                              rope_parameters={'beta_fast': 20.0, 'beta_slow': 2, 'factor': 8.0, 'original_max_position_embeddings': 64, 'rope_theta': 100.0, 'rope_type': 'yarn',
                                               'truncate': False}), BYTES, None),
    # YaRN on full layers only
    'gemma3_yarn': Model(gemma3(rope_theta=ABSENT, rope_local_base_freq=ABSENT, rope_scaling=ABSENT, sliding_window_pattern=ABSENT, layer_types=[WINDOW] * 2 + [FULL, WINDOW],
                                num_hidden_layers=4, hidden_size=30, num_attention_heads=3, num_key_value_heads=1, head_dim=18, query_pre_attn_scalar=18, intermediate_size=54,
                                max_position_embeddings=512,
                                rope_parameters={FULL: {'factor': 4.0, 'original_max_position_embeddings': 64, 'rope_theta': 500.0, 'rope_type': 'yarn'},
                                                 WINDOW: {'rope_theta': 7000.0, 'rope_type': 'default'}}), PIECES, None),
    # the base depends on the session's context
    'llama_dynamic': Model(llama(max_position_embeddings=256, **NARROW, rope_scaling={'factor': 4.0, 'rope_type': 'dynamic'}), BYTES, None, lengths=(1, 5, 100, 200, 400)),
    # factors depend on the session's context; attention factor from max_position_embeddings
    'llama_longrope': Model(llama(max_position_embeddings=1024, **NARROW, original_max_position_embeddings=256,
                                  rope_scaling={'long_factor': [1, 1.25, 2, 3.5, 5, 9.75], 'rope_type': 'longrope', 'short_factor': [1, 1, 1.0625, 1.25, 1.5, 2]}),
                            BYTES, ARCH.LLAMA, lengths=(1, 5, 100, 200, 400)),
}
BY_LENGTH = ('dynamic', 'longrope')  # frequencies depend on how many tokens there are


def shapes(m):
    """name (without the prefix), shape and kind of every tensor that counts."""
    c = m.text
    if c['model_type'] == 'gpt2':
        d = c['n_embd']
        yield from (('wte.weight', (c['vocab_size'], d), 'embedding'), ('wpe.weight', (c['n_positions'], d), 'embedding'))
        for l in range(c['n_layer']):
            for norm, part, inputs, outputs in (('ln_1', 'attn.c_attn', d, 3 * d), ('', 'attn.c_proj', d, d), ('ln_2', 'mlp.c_fc', d, 4 * d), ('', 'mlp.c_proj', 4 * d, d)):
                if norm:
                    yield from ((f'h.{l}.{norm}.weight', (d,), 'norm'), (f'h.{l}.{norm}.bias', (d,), 'bias'))
                yield from ((f'h.{l}.{part}.weight', (inputs, outputs), 'conv1d'), (f'h.{l}.{part}.bias', (outputs,), 'bias'))
        yield from (('ln_f.weight', (d,), 'norm'), ('ln_f.bias', (d,), 'bias'))
        return
    kind, h, f, heads, kv_heads = c['model_type'], c['hidden_size'], c['intermediate_size'], c['num_attention_heads'], c['num_key_value_heads']
    gemma, d = kind.startswith('gemma3'), c.get('head_dim', h // heads)
    norm = 'norm around 0' if gemma else 'norm'
    yield 'model.embed_tokens.weight', (c['vocab_size'], h), 'embedding'
    for l in range(c['num_hidden_layers']):
        p = f'model.layers.{l}.'
        for part in ('input', 'post_attention') + (('pre_feedforward', 'post_feedforward') if gemma else ()):
            yield p + part + '_layernorm.weight', (h,), norm
        if gemma or kind == 'qwen3':
            yield from ((p + f'self_attn.{part}_norm.weight', (d,), norm) for part in 'qk')
        for part, rows, columns in (('q', heads * d, h), ('k', kv_heads * d, h), ('v', kv_heads * d, h), ('o', h, heads * d)):
            yield p + f'self_attn.{part}_proj.weight', (rows, columns), 'matrix'
            if c.get('attention_bias') or kind == 'qwen2' and part != 'o':
                yield p + f'self_attn.{part}_proj.bias', (rows,), 'bias'
        yield from ((p + f'mlp.{part}_proj.weight', (h, f) if part == 'down' else (f, h), 'matrix') for part in ('gate', 'up', 'down'))
    yield 'model.norm.weight', (h,), norm
    if not gemma and not c['tie_word_embeddings']:
        yield 'lm_head.weight', (c['vocab_size'], h), 'matrix'


def random_weights(name, m):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    spread = {'matrix': lambda s: 1.4 / np.sqrt(s[1]), 'conv1d': lambda s: 1.4 / np.sqrt(s[0]), 'embedding': lambda s: rng.uniform(0.05, 0.08, (s[0], 1)),
              'norm': lambda s: 0.2, 'norm around 0': lambda s: 0.2, 'bias': lambda s: 0.1}
    weights = {}
    for key, shape, kind in shapes(m):
        x = rng.standard_normal(shape) * spread[kind](shape) + (kind == 'norm')
        if kind == 'embedding' and shape[0] == m.text.get('vocab_size') and shape[0] > len(m.vocab['tokens']):
            x[len(m.vocab['tokens']):] *= 0.01  # rows that no token has: never the greedy choice
        weights[key] = torch.from_numpy(x.astype(np.float32)).to(DTYPES[m.dtype])
    return weights


def write_tokenizer(path, v):
    t = vocabulary.reference_tokenizer(v)
    t.add_special_tokens([AddedToken(x, special=True, normalized=False) for x in v['tokens'][:3]])
    bos, eos, unknown = (v['tokens'][v[k]] for k in ('bos', 'eos', 'unknown'))
    if v['model'] == 'gpt2':
        t.decoder, t.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=False)
    else:
        t.decoder = decoders.Sequence([decoders.Replace('▁', ' '), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(' ', 1, 0)])
        t.post_processor = processors.TemplateProcessing(single=f'{bos} $A', pair=f'{bos} $A {bos} $B', special_tokens=[(bos, v['bos'])])
    t.save(str(path / 'tokenizer.json'), pretty=False)
    config = {'add_bos_token': v['add_bos'], 'bos_token': bos, 'chat_template': v['template'], 'clean_up_tokenization_spaces': False, 'eos_token': eos,
              'tokenizer_class': 'GPT2Tokenizer' if v['model'] == 'gpt2' else 'LlamaTokenizer', 'unk_token': unknown}
    (path / 'tokenizer_config.json').write_text(json.dumps(config, indent=2) + '\n')


def save(tensors, file):
    save_file(tensors, file, {'format': 'pt'})
    file.chmod(0o644)


def write_directory(path, m, weights):
    path.mkdir(parents=True, exist_ok=True)
    (path / 'config.json').write_text(json.dumps(m.config, indent=2) + '\n')
    write_tokenizer(path, m.vocab)
    tensors = {m.prefix + k: v for k, v in weights.items()}
    for name, shape, dtype in m.extra:
        outside = name.startswith(('vision_tower', 'multi_modal'))
        x = torch.ones(shape, dtype=torch.bool).tril() if dtype == 'BOOL' else torch.ones(shape).tril() if len(shape) > 1 else torch.full(shape, -1e4)
        tensors[name if outside else m.prefix + name] = x
    if m.shards == 1:
        return save(tensors, path / 'model.safetensors')
    names, place = list(tensors), {}
    for i in range(m.shards):
        file = f'model-{i + 1:05}-of-{m.shards:05}.safetensors'
        part = names[i * len(names) // m.shards:(i + 1) * len(names) // m.shards]
        save({k: tensors[k] for k in part}, path / file)
        place |= dict.fromkeys(part, file)
    index = {'metadata': {'total_size': sum(t.nbytes for t in tensors.values())}, 'weight_map': dict(sorted(place.items()))}
    (path / 'model.safetensors.index.json').write_text(json.dumps(index, indent=2) + '\n')


def yarn_attention(factor, weight=1.0):
    return 0.1 * weight * math.log(factor) + 1


def attention_factor(m):
    """transformers' own, which llama.cpp multiplies cosines and sines with: as it is for longrope, times yarn_attention(factor) for yarn."""
    r = m.rope
    if m.rope_type == 'longrope':
        return math.sqrt(1 + math.log(m.text['max_position_embeddings'] / m.original_context) / math.log(m.original_context))
    return r.get('attention_factor') or yarn_attention(r['factor'], r['mscale']) / yarn_attention(r['factor'], r['mscale_all_dim'])


def write_keys(g, m, name):
    c, v = m.text, dict(m.vocab)
    g.add_name('golden ' + name)
    g.add_file_type(gguf.LlamaFileType.MOSTLY_BF16 if m.dtype == 'BF16' else gguf.LlamaFileType.ALL_F32)
    if m.arch == ARCH.GPT2:
        g.add_block_count(c['n_layer']); g.add_context_length(c['n_ctx']); g.add_embedding_length(c['n_embd']); g.add_feed_forward_length(4 * c['n_embd'])
        g.add_head_count(c['n_head']); g.add_layer_norm_eps(c['layer_norm_epsilon'])
    else:
        heads, rope = c['num_attention_heads'], c.get('rope_parameters', {})
        scaling = rope.get(FULL) or c.get('rope_scaling') or {}
        g.add_block_count(c['num_hidden_layers']); g.add_context_length(context_of(m)); g.add_embedding_length(c['hidden_size'])
        g.add_feed_forward_length(c['intermediate_size']); g.add_head_count(heads); g.add_head_count_kv(c['num_key_value_heads'])
        g.add_layer_norm_rms_eps(c['rms_norm_eps']); g.add_rope_freq_base(float(rope[FULL]['rope_theta'] if rope else c['rope_theta']))
        if 'head_dim' in c:
            g.add_key_length(c['head_dim']); g.add_value_length(c['head_dim'])
        if m.arch == ARCH.LLAMA:
            g.add_vocab_size(c['vocab_size']); g.add_rope_dimension_count(c.get('head_dim', c['hidden_size'] // heads))
        if m.arch == ARCH.GEMMA3:
            g.add_sliding_window(c['sliding_window'])
            if rope:
                g.add_rope_freq_base_swa(rope[WINDOW]['rope_theta'])
        if m.rope_type == 'linear':
            g.add_rope_scaling_type(gguf.RopeScalingType.LINEAR); g.add_rope_scaling_factor(scaling['factor'])
        if m.rope_type == 'yarn':
            g.add_rope_scaling_type(gguf.RopeScalingType.YARN); g.add_rope_scaling_factor(scaling['factor']); g.add_rope_scaling_orig_ctx_len(m.original_context)
            g.add_rope_scaling_attn_factors(attention_factor(m) / yarn_attention(scaling['factor']))
        if m.rope_type == 'longrope':
            g.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE); g.add_rope_scaling_orig_ctx_len(m.original_context); g.add_rope_scaling_attn_factors(attention_factor(m))
    padding = c['vocab_size'] - len(v['tokens'])
    v['tokens'], v['types'] = v['tokens'] + [f'[PAD{len(v["tokens"]) + i}]' for i in range(padding)], v['types'] + [int(gguf.TokenType.UNUSED)] * padding
    vocabulary.write_keys(g, v)


def write_gguf(path, name, m, weights):
    c = m.text
    g = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[m.arch])
    write_keys(g, m, name)
    layers = c.get('n_layer', c.get('num_hidden_layers'))
    names = gguf.get_tensor_name_map(m.arch, layers)
    for key, x in weights.items():
        x, kind = x.float().numpy(), key.split('.')[-2]
        if m.arch == ARCH.GPT2:
            key, x = 'transformer.' + key, x.T if kind in ('c_attn', 'c_proj', 'c_fc') and x.ndim == 2 else x
        elif m.arch == ARCH.GEMMA3 and kind.endswith('norm'):
            x = x + np.float32(1)
        elif m.arch == ARCH.LLAMA and kind in ('q_proj', 'k_proj'):
            x = make.neighbours(x, c['num_attention_heads' if kind == 'q_proj' else 'num_key_value_heads'])
        dtype = T.BF16 if m.dtype == 'BF16' and x.ndim == 2 else T.F32
        g.add_tensor(names.get_name(key, try_suffixes=('.weight', '.bias')), gguf.quantize(np.ascontiguousarray(x), dtype), raw_dtype=dtype)
    if (c.get('rope_scaling') or {}).get('rope_type') == 'llama3':
        g.add_tensor('rope_freqs.weight', make.llama3_factors(make.Shape(c['hidden_size'], 1, 1, c['head_dim'], 1, {}, rope=c['rope_scaling'], rope_base=c['rope_theta'])))
    if m.rope_type == 'longrope':
        for length in ('long', 'short'):
            g.add_tensor(f'rope_factors_{length}.weight', np.array(m.rope[length + '_factor'], np.float32))
    g.write_header_to_file(); g.write_kv_data_to_file(); g.write_tensors_to_file(); g.close()


def load(path, m, weights):
    """The directory as transformers reads it, in float32."""
    if 'text_config' not in m.config:
        model, report = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation='eager', output_loading_info=True)
        assert not report['missing_keys'] and not report['mismatched_keys'], report
        for key, value in model.state_dict().items():
            key = key.removeprefix('transformer.') if m.arch == ARCH.GPT2 else key
            assert key == 'lm_head.weight' or torch.equal(value, weights[key].float()), key
        return model.eval()
    c = AutoConfig.from_pretrained(path).text_config  # the text half alone
    c._attn_implementation = 'eager'
    model = Gemma3ForCausalLM(c).eval()
    missing, unexpected = model.load_state_dict({k: v.float() for k, v in weights.items()}, strict=False)
    assert missing == ['lm_head.weight'] and not unexpected, (missing, unexpected)
    return model


@contextlib.contextmanager
def float64_throughout():
    """transformers computes angles, norms and softmax in what it calls float32, whatever the weights are; here that name means float64."""
    kept = torch.float32, torch.float, torch.Tensor.float
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = kept
        torch.set_default_dtype(torch.float32)


def exact(model):
    """The same model built again in float64, to be run inside float64_throughout()."""
    config = copy.deepcopy(model.config)
    config._attn_implementation = 'eager'
    with float64_throughout():
        twin = type(model)(config).double().eval()
        twin.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
    return twin


def rows(model, ids, first):
    """Log-probabilities after ids[:first], ids[:first + 1], ...: [n][vocabulary]"""
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids]), use_cache=False).logits[0, first - 1:].double(), -1).numpy()


def greedy_of_context(model, ids):
    """The same without a cache, every pass as long as the session's context: tokens behind a position do not matter to it, but frequencies depend on the length."""
    out = []
    for _ in range(STEPS):
        out.append(int(rows(model, padded(ids, out), len(ids) + len(out))[0].argmax()))
    return out


def padded(ids, path):
    return ids + path + [0] * (STEPS - len(path))


def context_of(m):
    """The most tokens that a model is made for."""
    context = m.text.get('max_position_embeddings', m.text.get('n_ctx'))
    return max(context, int(m.rope['factor'] * m.original_context)) if m.rope_type == 'yarn' else context


def greedy(model, ids):
    """STEPS tokens, with transformers' own cache; `rows` of the whole is what counts."""
    out, past, fed = [], None, ids
    with torch.no_grad():
        while len(out) < STEPS:
            r = model(torch.tensor([fed]), past_key_values=past, use_cache=True, logits_to_keep=1)
            out.append(int(r.logits[0, -1].argmax()))
            past, fed = r.past_key_values, out[-1:]
    return out


def linear_layers(model):
    """Each whose rows are whole blocks of 32, with its weights as [out, in]: a view."""
    for layer in model.modules():
        if isinstance(layer, (torch.nn.Linear, Conv1D)):
            w = layer.weight.data.T if isinstance(layer, Conv1D) else layer.weight.data
            if w.shape[1] % 32 == 0:
                yield layer, w


def eight_bits(model, twin):
    """What quantizing at load does: matrices to Q8_0 and activations to 8 bits per 32 values; in float32 and in float64, which turns a few
    roundings of activations as another order of sums would. None: there is nothing to quantize."""
    both = copy.deepcopy(model), copy.deepcopy(twin)
    layers = [list(linear_layers(m)) for m in both]
    for (single, w), (double, w64) in zip(*layers):
        w64.copy_(w.copy_(torch.from_numpy(gguf.dequantize(gguf.quantize(np.ascontiguousarray(w.numpy()), T.Q8_0), T.Q8_0))))
        for layer in (single, double):
            layer.register_forward_pre_hook(make.eight_bit_activations)
    return both if layers[0] else None


def make_model(name, out):
    m = MODELS[name]
    weights = random_weights(name, m)
    write_directory(out / name, m, weights)
    if m.arch is not None:
        write_gguf(out / f'{name}.gguf', name, m, weights)
    model = load(out / name, m, weights)
    twin = exact(model)
    rounded = eight_bits(model, twin)
    rng = np.random.default_rng(zlib.crc32(name.encode()) + 1)
    prompts, firsts, rounded_firsts, float32_apart, turned = [], [], [], 0.0, 0.0
    by_length = m.rope_type in BY_LENGTH
    assert list(m.lengths) == sorted(m.lengths) and not (by_length and rounded)  # transformers' dynamic frequencies only grow
    for n in m.lengths:
        while True:  # a prompt whose greedy path has no tie that float32 rounding could turn
            ids = rng.integers(0, len(m.vocab['tokens']), n).tolist()
            path = greedy_of_context(model, ids) if by_length else greedy(model, ids)
            whole = padded(ids, path) if by_length else ids + path[:-1]
            with float64_throughout():
                logp = rows(twin, whole, n)[:STEPS]
            order = np.argsort(-logp, axis=1, kind='stable')[:, :TOP]
            best = np.take_along_axis(logp, order, 1)
            if (best[:, 0] - best[:, 1]).min() > NEAR_TIE:
                break
        assert order[:, 0].tolist() == path, 'float32 with a cache and float64 without part'
        float32_apart = max(float32_apart, float(np.abs(rows(model, whole, n)[:STEPS] - logp).max()))
        if rounded:
            rounded_firsts.append(rows(rounded[0], ids, n)[0])
            with float64_throughout():
                turned = max(turned, make.divergence(rows(rounded[1], ids, n)[0], rounded_firsts[-1]))
        prompts.append(({'context': len(whole)} if by_length else {}) | {'ids': ids, 'greedy': path, 'steps': [[[int(i), round(float(x), 6)] for i, x in zip(*row)] for row in zip(order, best)]})
        firsts.append(logp[0])
    assert float32_apart < FLOAT32_AGREES, float32_apart
    encode = vocabulary.reference_encoder(m.vocab)
    texts = ['The capital of France is', 'What is the answer? 42', 'naïve 😀\n\ttab', ' two  blanks', '<|im_start|>user']
    reference = {'file': f'architectures/{name}', 'logprobs': f'architectures/{name}.logprobs', 'vocab_size': m.text['vocab_size'], 'logprob_tolerance': 1e-4,
                 'blocks': bool(rounded), 'encodings': [{'text': t, 'ids': encode(t)} for t in texts], 'prompts': prompts}
    if rounded:
        measured = [make.divergence(p, q) for p, q in zip(firsts, rounded_firsts)]
        reference |= {'kl_bound': float(f'{3 * max(measured):.1e}'), 'kl_emulated': [float(f'{x:.2e}') for x in measured]}
    np.stack(firsts + rounded_firsts).astype('<f4').tofile(out / f'{name}.logprobs')
    text = json.dumps(reference, separators=(',', ':')).replace('{"ids"', '\n{"ids"').replace('{"context"', '\n{"context"').replace('"prompts"', '\n"prompts"')
    (out / f'{name}.json').write_text(text + '\n')
    size = sum(f.stat().st_size for f in [*out.glob(f'{name}/*'), *out.glob(f'{name}.*')])
    print(f'{name}: {size:,} bytes; float32 against float64 {float32_apart:.1e}; '
          + (f'KL of 8 bits {max(measured):.1e}, of turned roundings {turned:.1e}' if rounded else 'nothing to quantize'), flush=True)
    return prompts, firsts


def second_opinion(path, m, prompts, firsts):
    """llama.cpp on the GGUF: largest difference of a log-probability after each prompt, and its encodings."""
    import llama_cpp
    open_with = lambda context: llama_cpp.Llama(str(path), n_ctx=context, n_batch=512, n_threads=1, flash_attn=False, type_k=0, type_v=0, verbose=False)
    llama = open_with(context_of(m))
    apart = []
    for p, first in zip(prompts, firsts):
        if 'context' in p:  # llama.cpp chooses factors by it too, rounded up to 256
            llama = open_with(p['context'])
        llama.reset(); llama.eval(p['ids'])
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), (len(first),)).astype(np.float64)
        logp = logits - logits.max(); logp -= np.log(np.exp(logp).sum())
        apart.append(float(np.abs(logp - first).max()))
    agree = sum(llama.tokenize(t.encode(), add_bos=False, special=False) == vocabulary.reference_encoder(m.vocab)(t) for t in (vocabulary.TEXT, 'Hello é 😀'))
    print(f'  llama.cpp: log-probabilities within {" ".join(f"{a:.1e}" for a in apart)}; encodings equal {agree}/2', flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--out', type=pathlib.Path, default=make.HERE / 'data' / 'architectures')
    a.add_argument('--only', nargs='*', choices=MODELS)
    a.add_argument('--no-second-opinion', action='store_true')
    a = a.parse_args()
    torch.set_num_threads(1)
    a.out.mkdir(parents=True, exist_ok=True)
    for name in a.only or MODELS:
        made = make_model(name, a.out)
        if MODELS[name].arch is not None and not a.no_second_opinion:
            second_opinion(a.out / f'{name}.gguf', MODELS[name], *made)


if __name__ == '__main__':
    main()
