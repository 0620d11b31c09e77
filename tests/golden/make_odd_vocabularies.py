#!/usr/bin/env python3
"""Writes tests/golden/data/odd_vocabularies: tiny random Llama models in F32 whose vocabulary is odd in one way each, and what llama.cpp makes of them.

usage: python3 tests/golden/make_odd_vocabularies.py [--compare RUSTML-INFER]           # pip: numpy gguf llama-cpp-python
Seeded by the file's name. odd.json: for each file `encodings`, [text, special tokens parsed, ids with BOS as the file says], and `greedy`, the 12
tokens that follow the first of them. --compare writes nothing: it compares llama.cpp with the committed values, and makes files that llama.cpp
and RUSTML-INFER must both refuse. Without llama-cpp-python it prints SKIPPED."""
import argparse, json, pathlib, random, subprocess, sys, tempfile, zlib

OUT = pathlib.Path(__file__).resolve().parent / 'data' / 'odd_vocabularies'
NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6
BLANK, WIDTH, TOKENS = '▁', 16, 12


def byte_level():
    merges = 'a b|ab c|d e|Ġ a|Ġ d|Ġa b|d a|f f|ff f|c d|e e|h a|ha h|Ã ©'.split('|')
    letters = ['Ġ', 'Ċ', '.', 'Ã', '©'] + list('abcdefgh')
    tokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] + letters + [m.replace(' ', '') for m in merges]
    return {'model': 'gpt2', 'pre': 'gpt-2', 'tokens': tokens, 'merges': merges, 'types': [CONTROL] * 3 + [NORMAL] * (len(tokens) - 3),
            'ids': {'bos': 1, 'eos': 2, 'unknown': 0}, 'add_bos': False}


def sentencepiece():
    pieces = ['▁a', 'ab', 'abc', 'bc', '▁ab', 'de', 'cde', 'fa', '▁▁', 'ee', 'eee', 'hh', '▁h', 'aba', '▁', *'abcdefgh.', 'é']
    tokens = ['<unk>', '<s>', '</s>', '<0x0A>', '<0xC3>', '<0xA8>', '<0x78>'] + pieces
    return {'model': 'llama', 'pre': 'default', 'tokens': tokens, 'types': [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 4 + [NORMAL] * len(pieces),
            'scores': [0.0] * 7 + [-float(i) for i in range(len(pieces))], 'ids': {'bos': 1, 'eos': 2, 'unknown': 0}, 'add_bos': None}


def insert(v, place, token):
    v['tokens'].insert(place, token)
    v['types'].insert(place, NORMAL)
    if 'scores' in v:
        v['scores'].insert(place, 0.0)


def odd(base, change):
    v = base()
    change(v)
    return v


def lose_tokens(v):  # tokens that merges make, and 'h' with all that is made of it but "hah", which only merges of it reach
    for lost in ('abc', 'ff', 'h', 'ha'):
        place = v['tokens'].index(lost)
        del v['tokens'][place], v['types'][place]
    v['merges'] += ['zz a', 'hah b']


def empty_token(v):
    insert(v, 9, '')
    insert(v, 14, '')


def outside(v):
    v['ids'] = {'bos': v['ids']['bos'], 'eos': 999, 'unknown': 1 << 31, 'eot': len(v['tokens']), 'eom': (1 << 32) - 1}


def long_arrays(v):
    v['types'] += [CONTROL, 77]
    v['scores'] = [int(s) for s in v.get('scores', [0] * len(v['tokens']))] + [5, 6, 7]


def infinite(v):
    v['scores'][8], v['scores'][12], v['scores'][14] = float('-inf'), float('inf'), float('-inf')


FILES = {
    'bpe': byte_level(), 'spm': sentencepiece(),
    'bpe_empty_tokens': odd(byte_level, empty_token), 'spm_empty_tokens': odd(sentencepiece, empty_token),
    'bpe_ids_outside': odd(byte_level, outside), 'spm_ids_outside': odd(sentencepiece, lambda v: v['ids'].update(bos=999, eos=1 << 31)),
    'spm_no_ids': odd(sentencepiece, lambda v: v['ids'].clear()),
    'bpe_type_0': odd(byte_level, lambda v: v.update(types=v['types'][:5] + [0] * (len(v['types']) - 5))),
    'spm_type_0': odd(sentencepiece, lambda v: v.update(types=[0] * len(v['types']))),
    'spm_no_types': odd(sentencepiece, lambda v: v.pop('types')),
    'bpe_lost_tokens': odd(byte_level, lose_tokens),
    'bpe_long_arrays': odd(byte_level, long_arrays), 'spm_long_arrays': odd(sentencepiece, long_arrays),
    'spm_no_scores': odd(sentencepiece, lambda v: v.pop('scores')), 'spm_infinite_scores': odd(sentencepiece, infinite),
}
REFUSED = {
    'short types': odd(byte_level, lambda v: v['types'].pop()), 'short scores': odd(sentencepiece, lambda v: v['scores'].pop()),
    'no merges': odd(byte_level, lambda v: v.pop('merges')),
    'types that are fractions': odd(byte_level, lambda v: v.update(types=[float(t) for t in v['types']])),
    'tokens that are numbers': odd(byte_level, lambda v: v.update(tokens=list(range(len(v['tokens']))))),
}


def write(path, name, v):
    import gguf, numpy as np
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    n = len(v['tokens'])
    w = gguf.GGUFWriter(str(path), 'llama')
    for key, value in (('context_length', 256), ('embedding_length', WIDTH), ('block_count', 1), ('feed_forward_length', WIDTH), ('attention.head_count', 1),
                       ('attention.head_count_kv', 1), ('rope.dimension_count', WIDTH)):
        w.add_uint32('llama.' + key, value)
    w.add_float32('llama.attention.layer_norm_rms_epsilon', 1e-5)
    w.add_tokenizer_model(v['model'])
    w.add_tokenizer_pre(v['pre'])
    for key, name_of in (('tokens', 'tokens'), ('types', 'token_type'), ('scores', 'scores'), ('merges', 'merges')):
        if key in v:
            kind = gguf.GGUFValueType.get_type(v[key][0])
            w.add_key_value(f'tokenizer.ggml.{name_of}', v[key], gguf.GGUFValueType.ARRAY, sub_type=kind)
    for key, value in v['ids'].items():
        w.add_uint32(f'tokenizer.ggml.{key}_token_id', value)
    if v['add_bos'] is not None:
        w.add_bool('tokenizer.ggml.add_bos_token', v['add_bos'])
    matrix = lambda rows: (rng.standard_normal((rows, WIDTH)) * 1.4 / np.sqrt(WIDTH)).astype(np.float32)
    norm = lambda: (1 + 0.2 * rng.standard_normal(WIDTH)).astype(np.float32)
    w.add_tensor('token_embd.weight', matrix(n))
    w.add_tensor('output.weight', matrix(n))
    w.add_tensor('output_norm.weight', norm())
    for tensor in ('attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'):
        w.add_tensor(f'blk.0.{tensor}.weight', matrix(WIDTH))
    for tensor in ('attn_norm', 'ffn_norm'):
        w.add_tensor(f'blk.0.{tensor}.weight', norm())
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def texts(name, v):
    """(text, special tokens parsed) of letters that every byte-level file or every SentencePiece file can write."""
    rng = random.Random(name)
    letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', '.', ' ', ' ', '\n', 'é'] + (['è', 'x'] if v['model'] == 'llama' else ['ha', 'abc', 'fff', 'hah'])
    fixed = [(' abcd hah fff', False), ('', False), (' ', False), ('  ab  ', False), ('abcabcfffhahab', False)]
    made = [(''.join(rng.choice(letters) for _ in range(rng.randint(1, 24))), False) for _ in range(60)]
    parsed = [('ab<|im_end|>cd', True), ('<|im_start|>abc', True)] if v['model'] == 'gpt2' else [('ab</s>cd', True), ('</s> abc', True)]
    return fixed + made + parsed


def theirs(path, name, v):
    """None: llama.cpp refuses the file."""
    import llama_cpp, numpy as np
    try:
        model = llama_cpp.Llama(str(path), n_ctx=256, n_threads=1, type_k=0, type_v=0, flash_attn=False, logits_all=True, verbose=False)
    except ValueError:
        return None
    # The flag of llama_tokenize that llama-cpp-python calls add_bos: the file says whether there is a BOS.
    encodings = [[text, special, model.tokenize(text.encode(), add_bos=True, special=special)] for text, special in texts(name, v)]
    model.eval(encodings[0][2])
    greedy = []
    for _ in range(TOKENS):
        scores = np.array(model.scores[model.n_tokens - 1])
        best = np.sort(scores)[-2:]
        if best[1] - best[0] < 1e-3:
            sys.exit(f'{name}: a near tie; change the seed')
        greedy.append(int(scores.argmax()))
        model.eval([greedy[-1]])
    return {'encodings': encodings, 'greedy': greedy}


def compare(infer):
    committed, failures = json.loads((OUT / 'odd.json').read_text()), 0
    for name, v in FILES.items():
        same = theirs(OUT / f'{name}.gguf', name, v) == committed[name]
        failures += not same
        print(name, 'as committed' if same else 'FAILED: llama.cpp differs from odd.json')
    with tempfile.TemporaryDirectory() as folder:
        for name, v in REFUSED.items():
            path = f'{folder}/model.gguf'
            write(path, name, v)
            ours = subprocess.run([infer, 'tokenize', '--gguf', path, '--prompt', 'a'], capture_output=True).returncode != 0
            refused = theirs(path, name, v) is None
            failures += not (ours and refused)
            print(f'{name}: refused by ' + ('both' if ours and refused else f'FAILED: us {ours}, llama.cpp {refused}'))
    return 1 if failures else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--compare', metavar='RUSTML-INFER')
    a = p.parse_args()
    try:
        import gguf, llama_cpp
    except ImportError as missing:
        print(f'SKIPPED odd vocabularies against llama.cpp: needs PyPI {missing.name}')
        return 77
    if a.compare:
        return compare(a.compare)
    results = {}
    for name, v in FILES.items():
        write(OUT / f'{name}.gguf', name, v)
        results[name] = theirs(OUT / f'{name}.gguf', name, v)
        if results[name] is None:
            sys.exit(f'{name}: llama.cpp refuses it')
    (OUT / 'odd.json').write_text('{\n' + ',\n'.join(f'{json.dumps(n)}: {json.dumps(r, ensure_ascii=False)}' for n, r in results.items()) + '\n}\n')


if __name__ == '__main__':
    sys.exit(main())
