#!/usr/bin/env python3
"""What load-time quantization costs: KL divergence between the next-token distributions of two ways to load one model, over a text.

usage: bench/kl.py MODEL [--reference keep] [--other q8_0] [--min-dim N] [--kv f32] [--tokens 256] [--text FILE] [--library librustml.so]
       a way to load: keep, auto, q8_0 or q4_0 (rustml_model_options.quantize); --min-dim counts for --other only
Both models are in memory together and read the text (default: this repository's README.md) token by token in one context. Prints the mean and the
largest KL(reference || other) in nats, how often both find the same token likeliest, and the perplexity of each. Needs numpy and the built library."""
import argparse, ctypes, os, pathlib, re, sys
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
WAYS = {'auto': 0, 'keep': 1, 'q8_0': 2, 'q4_0': 3}
KV = {'f32': 1, 'f16': 2, 'q8_0': 3}
SCALARS = {'uint32_t': ctypes.c_uint32, 'int32_t': ctypes.c_int32, 'uint64_t': ctypes.c_uint64, 'int64_t': ctypes.c_int64, 'float': ctypes.c_float, 'double': ctypes.c_double}


class Text(ctypes.Structure):
    _fields_ = [('ptr', ctypes.c_char_p), ('len', ctypes.c_uint64)]


def struct(name):
    """A public struct as the header declares it, so that fields added later are where the library expects them."""
    header = re.sub(r'/\*.*?\*/', '', (ROOT / 'include' / 'rustml.h').read_text(), flags=re.S)
    body = re.search(rf'typedef struct {name} \{{(.*?)\}} {name};', header, re.S).group(1)
    fields = []
    for kind, names in re.findall(r'(?:const )?(\w+) ([^;]+);', body):
        for field in names.split(','):
            pointer = '*' in field
            fields.append((field.strip(' *'), ctypes.c_void_p if pointer else Text if kind == 'rustml_text' else SCALARS[kind]))
    return type(name, (ctypes.Structure,), {'_fields_': fields})


class Library:
    def __init__(self, path):
        self.dll = ctypes.CDLL(str(path))
        self.dll.rustml_error_message.restype = ctypes.c_char_p
        self.dll.rustml_error_message.argtypes = [ctypes.c_void_p]

    def call(self, name, *arguments):
        error = ctypes.c_void_p()
        status = getattr(self.dll, name)(*arguments, ctypes.byref(error))
        if status != 0:
            sys.exit(f'kl.py: {name}: status {status}: {self.dll.rustml_error_message(error).decode() if error else ""}')

    def options(self, name, **values):
        o = struct(name)()
        if getattr(self.dll, name + '_init')(ctypes.byref(o), ctypes.c_uint32(ctypes.sizeof(o))) != 0:
            sys.exit(f'kl.py: {name}_init refuses {ctypes.sizeof(o)} bytes: library and header are not of one version')
        for field, value in values.items():
            if field not in dict(o._fields_):
                sys.exit(f'kl.py: {name} has no field {field}')
            setattr(o, field, value)
        return o


class Loaded:
    """A model and one session of it."""

    def __init__(self, library, path, way, kv, threads, tokens, min_dim):
        self.library, self.model, self.session = library, ctypes.c_void_p(), ctypes.c_void_p()
        options = library.options('rustml_model_options', quantize=WAYS[way], n_threads=threads, **({'quantize_min_dim': min_dim} if min_dim else {}))
        path = os.fsencode(path)
        library.call('rustml_model_open', path, ctypes.c_uint64(len(path)), ctypes.byref(options), ctypes.byref(self.model), None)
        self.info = struct('rustml_model_info')()
        self.info.struct_size = ctypes.sizeof(self.info)
        library.call('rustml_model_get_info', self.model, ctypes.byref(self.info))
        options = library.options('rustml_session_options', kv_type=KV[kv], context_tokens=tokens)
        library.call('rustml_session_create', self.model, ctypes.byref(options), ctypes.byref(self.session), None)
        self.logits = np.zeros(self.info.vocab_size, np.float32)

    def encode(self, text):
        ids, needed = (ctypes.c_int32 * (len(text) + 8))(), ctypes.c_uint64()
        self.library.call('rustml_model_encode', self.model, text, ctypes.c_uint64(len(text)), ctypes.c_uint32(1), ids, ctypes.c_uint64(len(ids)), ctypes.byref(needed), None)
        return ids[:needed.value]

    def log_probabilities_after(self, token):
        self.library.call('rustml_session_eval', self.session, ctypes.byref(ctypes.c_int32(token)), ctypes.c_uint64(1), None)
        needed = ctypes.c_uint64()
        self.library.call('rustml_session_logits', self.session, self.logits.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(len(self.logits)), ctypes.byref(needed))
        x = self.logits.astype(np.float64)
        x -= x.max()
        return x - np.log(np.exp(x).sum())


def find_library():
    found = [*ROOT.glob('build/release/src/**/librustml.so'), *ROOT.glob('build/*/src/**/librustml.so')]
    return found[0] if found else 'librustml.so'


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('model', help='GGUF file or Hugging Face directory')
    a.add_argument('--reference', choices=WAYS, default='keep')
    a.add_argument('--other', choices=WAYS, default='q8_0')
    a.add_argument('--min-dim', type=int, default=0, help='quantize_min_dim (default: the library\'s)')
    a.add_argument('--kv', choices=KV, default='f32')
    a.add_argument('--other-kv', choices=KV)
    a.add_argument('--tokens', type=int, default=256)
    a.add_argument('--text', type=pathlib.Path, default=ROOT / 'README.md')
    a.add_argument('--threads', type=int, default=2)
    a.add_argument('--library', default=find_library())
    a = a.parse_args()
    library = Library(a.library)
    one = Loaded(library, a.model, a.reference, a.kv, a.threads, a.tokens, 0)
    other = Loaded(library, a.model, a.other, a.other_kv or a.kv, a.threads, a.tokens, a.min_dim)
    ids = one.encode(a.text.read_bytes())[:a.tokens]
    if len(ids) < 2:
        sys.exit(f'kl.py: {a.text} is {len(ids)} tokens long; 2 are needed')
    divergences, same, surprise = [], 0, np.zeros(2)
    for token, following in zip(ids, ids[1:]):
        p, q = (m.log_probabilities_after(token) for m in (one, other))
        divergences.append(float((np.exp(p) * (p - q)).sum()))
        same += p.argmax() == q.argmax()
        surprise += p[following], q[following]
    n = len(divergences)
    perplexity = np.exp(-surprise / n)
    print(f'{a.model}: {a.reference} ({one.info.weight_bytes / 1e6:.0f} MB) against {a.other} ({other.info.weight_bytes / 1e6:.0f} MB, {other.info.n_quantized} matrices of block types), {n} positions')
    print(f'KL mean {np.mean(divergences):.2e}, largest {max(divergences):.2e} nats; same likeliest token {100 * same / n:.1f} %; perplexity {perplexity[0]:.3f} and {perplexity[1]:.3f}')


if __name__ == '__main__':
    main()
