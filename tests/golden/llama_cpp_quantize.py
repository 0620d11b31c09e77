#!/usr/bin/env python3
"""Files that `rustml-infer quantize` writes, read by llama.cpp: it must open them, find our ids for a text, and answer with the same greedy tokens
as from the file that llama.cpp's own quantizer makes of the same weights.

usage: /opt/ref/venv/bin/python tests/golden/llama_cpp_quantize.py RUSTML-INFER [--model DIR-OR-GGUF ...] [--type F32 ...] [--tokens 24]
Without --model: the golden models of every architecture. Needs PyPI `llama-cpp-python`; without it prints SKIPPED. Our engine on the same file must give
the same tokens too with F32; with other types both engines round activations, each in its own way, and may part at a near tie: shown is how far our
token was behind for llama.cpp, and more than NEAR_TIE fails."""
import argparse, ctypes, json, pathlib, subprocess, sys, tempfile

ARCHITECTURES = pathlib.Path(__file__).resolve().parent / 'data' / 'architectures'
MODELS = ('gpt2', 'gemma3', 'gemma3_vision', 'llama', 'llama_bias', 'qwen2', 'qwen3')
TEXT = 'The capital of France is'
NEAR_TIE, EXACT = 0.2, 1e-3  # of logits; rounding activations to 8 bits moves llama.cpp's own by 0.11 to 0.5 (rms, SmolLM2 Q8_0, against transformers)


def ours(infer, path, n):
    encoded = subprocess.run([infer, 'tokenize', '--gguf', path, '--prompt', TEXT, '--json'], capture_output=True, text=True, check=True).stdout
    run = subprocess.run([infer, '--gguf', path, '--prompt', TEXT, '--max-tokens', str(n), '--ignore-eos', '--kv-type', 'f32', '--json', '--quiet', '--log', 'error'],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(encoded)['ids'], [e['id'] for e in map(json.loads, run.splitlines()) if e['type'] == 'token']


def their_file(source, path, kind):
    """What llama.cpp's quantizer makes of an F32 file, every matrix of the type asked for (`pure`)."""
    import llama_cpp
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = getattr(llama_cpp, {'F32': 'LLAMA_FTYPE_ALL_F32'}.get(kind, f'LLAMA_FTYPE_MOSTLY_{kind}'))
    options.pure, options.nthread = True, 2
    if llama_cpp.llama_model_quantize(source.encode(), path.encode(), ctypes.byref(options)) != 0:
        sys.exit(f'llama_cpp_quantize.py: llama.cpp could not quantize {source} to {kind}')


def their_answer(path, n):
    import llama_cpp, numpy as np
    model = llama_cpp.Llama(path, n_ctx=128, n_threads=2, type_k=0, type_v=0, logits_all=True, verbose=False)
    model.eval(model.tokenize(TEXT.encode(), add_bos=model.metadata.get('tokenizer.ggml.add_bos_token', 'false') == 'true', special=False))
    tokens = []
    for _ in range(n):
        tokens.append(int(np.array(model.scores[model.n_tokens - 1]).argmax()))
        model.eval([tokens[-1]])
    return tokens


def theirs(path, follow):
    """llama.cpp's ids of the text and, along our tokens, its best token and the distance of ours from it."""
    import llama_cpp, numpy as np
    model = llama_cpp.Llama(str(path), n_ctx=128, n_threads=2, type_k=0, type_v=0, logits_all=True, verbose=False)
    ids = model.tokenize(TEXT.encode(), add_bos=model.metadata.get('tokenizer.ggml.add_bos_token', 'false') == 'true', special=False)
    model.eval(ids)
    parted = []
    for i, token in enumerate(follow):
        logits = np.array(model.scores[model.n_tokens - 1])
        if int(logits.argmax()) != token:
            parted.append((i, float(logits.max() - logits[token])))
        model.eval([token])
    return ids, parted


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('infer')
    p.add_argument('--model', nargs='+', default=[str(ARCHITECTURES / m) for m in MODELS])
    p.add_argument('--type', nargs='+', default=['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1'])
    p.add_argument('--tokens', type=int, default=24)
    a = p.parse_args()
    try:
        import llama_cpp
    except ImportError:
        print('SKIPPED quantize against llama.cpp: needs PyPI llama-cpp-python')
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for model in a.model:
            subprocess.run([a.infer, 'quantize', model, f'{folder}/f32.gguf', '--type', 'F32'], check=True)
            for kind in a.type:
                path = f'{folder}/model.gguf'
                subprocess.run([a.infer, 'quantize', model, path, '--type', kind], check=True)
                encoded, tokens = ours(a.infer, path, a.tokens)
                ids, parted = theirs(path, tokens)
                their_file(f'{folder}/f32.gguf', f'{folder}/theirs.gguf', kind)
                same = their_answer(path, a.tokens) == their_answer(f'{folder}/theirs.gguf', a.tokens)
                bad = not same or encoded != ids or any(distance > (EXACT if kind == 'F32' else NEAR_TIE) for _, distance in parted)
                failures += bad
                print(f'{"FAILED " if bad else ""}{pathlib.Path(model).name} {kind}: {len(tokens)} tokens {"as" if same else "NOT as"} from the file of llama.cpp; ours parted at {parted}' + ('' if encoded == ids else f'; ids {encoded} and {ids}'), flush=True)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
