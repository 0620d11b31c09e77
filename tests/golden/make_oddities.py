#!/usr/bin/env python3
"""Makes data/oddities: tiny files that are odd and harmless, and what llama.cpp (GGUF) or transformers (directories) answers from them.

usage: as make.py: v/bin/python tests/golden/make_oddities.py [--out DIR] [--only NAME ...]
       v/bin/python tests/golden/make_oddities.py --compare RUSTML-INFER   GGUF files of another seed, llama.cpp and our program live
Deterministic: everything random is seeded by the file's name. All weights are F32; no step of an answer is nearer to a tie than NEAR_TIE. llama.cpp refuses
tensors that it has no place for, so `images` is asked without them. Made with llama-cpp-python 0.3.36, transformers 5.24, gguf 0.19. Needs PyPI
`llama-cpp-python`: --compare prints SKIPPED without it."""
import argparse, json, pathlib, subprocess, sys, tempfile, zlib
import vocabulary

HERE = pathlib.Path(__file__).resolve().parent
STEPS, NEAR_TIE, TEXT = 16, 1e-2, 'The capital of France is'
VOCAB = vocabulary.byte_bpe('gpt-2')
N = len(VOCAB['tokens'])
HIDDEN, HEADS, KV_HEADS, HEAD_DIM, FFN, LAYERS = 16, 4, 2, 4, 24, 2  # llama.cpp wants width = heads * head_dim of qwen2


def write_gguf(path, seed, arch='llama', layers=LAYERS, keys=lambda g: None, lists=False, biases=(), images=False):
    """`lists`: sizes for every layer; `biases`: matrices of layers that have one; `images`: with tensors of an image encoder."""
    import gguf, numpy as np
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    g = gguf.GGUFWriter(path, arch)
    each = (lambda n: [n] * layers) if lists else (lambda n: n)
    g.add_name('tiny'); g.add_context_length(256); g.add_embedding_length(HIDDEN); g.add_block_count(layers); g.add_feed_forward_length(each(FFN))
    g.add_head_count(each(HEADS)); g.add_head_count_kv(each(KV_HEADS)); g.add_key_length(HEAD_DIM); g.add_value_length(HEAD_DIM)
    g.add_layer_norm_rms_eps(1e-5); g.add_rope_freq_base(10000.0); g.add_rope_dimension_count(HEAD_DIM)
    keys(g)
    vocabulary.write_keys(g, VOCAB)

    def add(name, *shape):
        if shape[-1:] == shape:  # of a norm, or a bias
            x = 0.3 * rng.standard_normal(shape) + (0 if name.endswith('.bias') else 1)
        else:
            x = rng.standard_normal(shape) * 1.4 / np.sqrt(shape[-1])
        g.add_tensor(name, x.astype(np.float32))

    add('token_embd.weight', N, HIDDEN); add('output_norm.weight', HIDDEN)
    q, kv = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    parts = {'attn_q': (q, HIDDEN), 'attn_k': (kv, HIDDEN), 'attn_v': (kv, HIDDEN), 'attn_output': (HIDDEN, q), 'ffn_gate': (FFN, HIDDEN), 'ffn_up': (FFN, HIDDEN),
             'ffn_down': (HIDDEN, FFN), 'attn_norm': (HIDDEN,), 'ffn_norm': (HIDDEN,)}
    if arch == 'gemma3':
        add('output.weight', N, HIDDEN)  # else the last token comes again and again
        parts |= {'attn_q_norm': (HEAD_DIM,), 'attn_k_norm': (HEAD_DIM,), 'post_attention_norm': (HIDDEN,), 'post_ffw_norm': (HIDDEN,)}
    for l in range(layers):
        for name, shape in parts.items():
            add(f'blk.{l}.{name}.weight', *shape)
            if name in biases:
                add(f'blk.{l}.{name}.bias', shape[0])
    if images:
        add('v.patch_embd.weight', 8, 3, 2, 2); add('v.blk.0.attn_q.weight', 8, 8); add('v.blk.0.attn_q.bias', 8); add('mm.0.weight', HIDDEN, 8)
    g.write_header_to_file(); g.write_kv_data_to_file(); g.write_tensors_to_file(); g.close()


def other_keys(g):
    g.add_string('général.éditeur', 'Müller & Söhne — 東京'); g.add_uint32('🙂', 7); g.add_array('general.languages', ['日本語', 'ελληνικά'])


def window_list(g):
    g.add_sliding_window(6); g.add_array('gemma3.attention.sliding_window_pattern', [True, False, True])


GGUF = {  # what the record of each says; none: nothing is odd
    'equal_lists': (dict(lists=True), ['feed_forward_length has a value for every layer', 'head_count has a value', 'head_count_kv has a value']),
    'other_keys': (dict(keys=other_keys), ['is not ASCII']),
    'ffn_biases': (dict(biases=('ffn_gate', 'ffn_up', 'ffn_down')), []),
    'images': (dict(images=True), ['4 tensors for images (v.*, mm.*) are left out']),
    'qwen2_bare': (dict(arch='qwen2'), ['no layer has biases of q, k and v']),
    'window_list': (dict(arch='gemma3', layers=3, keys=window_list), []),
}
DIRECTORIES = {  # config.json as old files have it
    'llama_defaults': (dict(), ['missing fields are taken as transformers takes them']),
    'llama_mlp_bias': (dict(mlp_bias=True, num_key_value_heads=KV_HEADS, rope_theta=5000.0), []),
}


def write_directory(path, seed, changes):
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM
    path.mkdir(exist_ok=True)
    c = {'architectures': ['LlamaForCausalLM'], 'bos_token_id': 1, 'eos_token_id': 2, 'hidden_act': 'silu', 'hidden_size': 32, 'intermediate_size': FFN,
         'max_position_embeddings': 256, 'model_type': 'llama', 'num_attention_heads': HEADS, 'num_hidden_layers': LAYERS, 'rms_norm_eps': 1e-5,
         'tie_word_embeddings': True, 'torch_dtype': 'float32', 'vocab_size': N} | changes
    (path / 'config.json').write_text(json.dumps(c, indent=1) + '\n')
    model = LlamaForCausalLM(LlamaConfig(**c))
    rng = torch.Generator().manual_seed(zlib.crc32(seed.encode()))
    with torch.no_grad():
        for name, p in model.named_parameters():
            values = torch.randn(p.shape, generator=rng)
            p.copy_(values * 1.4 / p.shape[-1] ** 0.5 if p.ndim == 2 else 0.3 * values + (0 if name.endswith('bias') else 1))
    save_file({k: v.contiguous() for k, v in model.state_dict().items() if k != 'lm_head.weight'}, path / 'model.safetensors', metadata={'format': 'pt'})


def llama_cpp_steps(path):
    """A function from tokens to the logits after them."""
    import llama_cpp, numpy as np
    model = llama_cpp.Llama(str(path), n_ctx=128, n_threads=1, flash_attn=False, type_k=0, type_v=0, logits_all=True, verbose=False)

    def steps(ids):
        model.reset(); model.eval(ids)
        return np.array(model.scores[len(ids) - 1])
    return steps


def transformers_steps(path):
    import torch
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation='eager').eval()

    def steps(ids):
        with torch.no_grad():
            return model(torch.tensor([ids]), use_cache=False).logits[0, -1].numpy()
    return steps


def greedy(steps, ids):
    """The tokens that follow; None where two of a step are too near to each other, or where they are all but the same."""
    out = []
    for _ in range(STEPS):
        logits = steps(ids + out)
        best, second = sorted(logits)[:-3:-1]
        if best - second < NEAR_TIE:
            return None
        out.append(int(logits.argmax()))
    return out if len(set(out)) > 3 else None


def prompts(steps, seed):
    import numpy as np
    rng, found = np.random.default_rng(zlib.crc32(seed.encode())), []
    for n in (1, 20):
        path = None
        while path is None:
            ids = rng.integers(3, N, n).tolist()
            path = greedy(steps, ids)
        found.append({'ids': ids, 'greedy': path})
    return found


def make(out, only):
    entries = []
    for name, (form, records) in (GGUF | DIRECTORIES).items():
        if only and name not in only:
            continue
        if name in GGUF:
            path = out / f'{name}.gguf'
            write_gguf(path, name, **form)
            with tempfile.TemporaryDirectory() as other:
                asked = pathlib.Path(other) / 'm.gguf'
                write_gguf(asked, name, **form | {'images': False})
                found = prompts(llama_cpp_steps(asked), name)
        else:
            path = out / name
            write_directory(path, name, form)
            found = prompts(transformers_steps(path), name)
        entries.append({'file': f'oddities/{path.name}', 'records': records, 'prompts': found})
        print(name, found[0]['greedy'][:6], flush=True)
    if not only:
        text = json.dumps({'files': entries}, separators=(',', ':')).replace('{"file"', '\n{"file"').replace('{"ids"', '\n {"ids"')
        (out.parent / 'oddities.json').write_text(text + '\n')


def compare(infer):
    try:
        import gguf, llama_cpp  # noqa: F401
    except ImportError as missing:
        print(f'SKIPPED make_oddities.py --compare: {missing}')
        sys.exit(77)
    failed = 0
    for name, (form, _) in GGUF.items():
        with tempfile.TemporaryDirectory() as folder:
            path, asked = pathlib.Path(folder) / 'm.gguf', pathlib.Path(folder) / 'asked.gguf'
            write_gguf(path, name + ' live', **form)
            write_gguf(asked, name + ' live', **form | {'images': False})
            run = subprocess.run([infer, '--gguf', path, '--prompt', TEXT, '--max-tokens', str(STEPS), '--ignore-eos', '--kv-type', 'f32', '--json', '--quiet', '--log',
                                  'error'], capture_output=True, text=True)
            ours = [e['id'] for e in map(json.loads, run.stdout.splitlines()) if e['type'] == 'token']
            steps, ids = llama_cpp_steps(asked), llama_cpp_ids(asked)
            for i, token in enumerate(ours):  # along our tokens: at a near tie the two may part
                logits = steps(ids + ours[:i])
                if logits.max() - logits[token] > NEAR_TIE:
                    failed += 1
                    print(f'{name}: token {i} is {token}, for llama.cpp {logits.max() - logits[token]:.3f} behind {int(logits.argmax())}')
            if len(ours) != STEPS:
                failed += 1
                print(f'{name}: {run.stderr.strip()}')
    print(f'{len(GGUF)} files, {failed} faults')
    sys.exit(failed > 0)


def llama_cpp_ids(path):
    import llama_cpp
    return llama_cpp.Llama(str(path), vocab_only=True, verbose=False).tokenize(TEXT.encode(), add_bos=False, special=False)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--out', type=pathlib.Path, default=HERE / 'data' / 'oddities')
    a.add_argument('--only', nargs='*', choices=[*GGUF, *DIRECTORIES])
    a.add_argument('--compare', metavar='RUSTML-INFER')
    a = a.parse_args()
    if a.compare:
        compare(a.compare)
    a.out.mkdir(parents=True, exist_ok=True)
    make(a.out, a.only)


if __name__ == '__main__':
    main()
