#!/usr/bin/env python3
"""Makes tests/golden/data/gemma3_270m.json and .logprobs: what float math says about the real Gemma 3 270M (Q4_K_M) file, below and past its window of 512.

usage: python3 -m venv v && v/bin/pip install numpy gguf tokenizers
       v/bin/python tests/golden/gemma3_270m.py $(scripts/fetch-model gemma3-270m) $(scripts/fetch-tokenizers)/gemma3/tokenizer.json [--out FOLDER]
The weights are dequantized by PyPI `gguf`, the model is numpy in float64 (written after the model's description, not after the library), and
ids come from PyPI `tokenizers` and the vendor's tokenizer.json, whose tokens must be those of the file. Committed with numpy 2.4.6, gguf 0.19.0,
tokenizers 0.23.3. About 10 minutes on two free cores, 5 GB.

The library rounds activations to 8 bits per 32 values, so the script also runs the model that way. Where its answer parts from float64's, and its
divergence, show what any right engine may do: `near_tie` and the bounds come from there. It prints too how far windows of 511 and 513 are from 512.

gemma3_270m.json: {"sha256", "near_tie", "top", "prompts", "passages"}.
  prompts: {"name", "kind", "text", "ids", "greedy", "steps"}: the tokens that follow greedily, past end-of-text tokens, and for each the 4 best
           [id, log-probability]. In prompts of kind "chat" special tokens are parsed. `text` of "long" is "", its ids say all.
  passages: {"name", "ids", "first", "n", "kl_bounds"}: predictions after each of the tokens first ... first + n - 1 of `ids`; the bounds of the
            divergence in the mean and of one position are three times what rounding activations alone does.
.logprobs: for each of these positions `top` int32 ids, best first, then as many float32 log-probabilities (natural logarithm), little-endian."""
import argparse, hashlib, json, pathlib
import gguf, numpy as np
from tokenizers import Tokenizer

STEPS, TOP, LONG, WINDOW_TOKENS = 32, 128, 1300, 64
TURN = '<start_of_turn>user\n{}<end_of_turn>\n<start_of_turn>model\n'
PROMPTS = [
    ('capital', 'plain', 'The capital of France is'),
    ('story', 'plain', 'Once upon a time, in a small village by the sea, there lived an old fisherman who'),
    ('months', 'plain', 'The months of the year are January, February, March,'),
    ('html', 'plain', '<p>The price was <s>30</s> <b>20</b> euros.</p>\n<p>The name was <s>'),
    ('python', 'plain', 'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n    if n < 2:\n        return n\n    '),
    ('chinese', 'plain', '中国的首都是北京。日本的首都是'),
    ('russian', 'plain', 'Раз, два, три, четыре, пять. Раз, два, три,'),
    ('emoji', 'plain', '🍎 apple\n🍌 banana\n🍇 grapes\n🍎 apple\n🍌 banana\n🍇'),
    ('turn', 'chat', TURN.format('What is the capital of Italy?')),
]
PASSAGE = ('A lighthouse is a tower that sends light out over the sea, so that sailors can tell where they are. The oldest ones burned wood or coal on an open '
           'platform; later came oil lamps, and with them mirrors and lenses. In 1822 Augustin Fresnel built a lens of rings of glass, thin enough to be carried up '
           'a tower and clear enough to be seen from more than thirty kilometres away.')
# Every sentence names its year once more, so that what follows depends on tokens of many distances.
LONG_TEXT = ' '.join(f'In the year {1850 + 3 * i} the keeper {name} wrote: "{weather}, {4 + 7 * i % 31} ships passed the lamp, and {name} counted {12 + 5 * i % 17} gulls on the rocks of {1850 + 3 * i}."'
                     for i, (name, weather) in enumerate(zip(['Anna', 'Boris', 'Clara', 'David', 'Elena', 'Frank', 'Greta'] * 6, ['Fog until noon', 'Clear sky', 'Heavy rain', 'A storm from the west', 'Snow'] * 9)))


def rms_norm(x, w, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w


def eight_bits(x):
    """Rounded to 8 bits per 32 values, as quantizing engines do before a product with weights."""
    blocks = x.reshape(-1, 32)
    d = np.abs(blocks).max(1, keepdims=True) / 127
    return (np.round(np.divide(blocks, d, out=np.zeros_like(blocks), where=d > 0)) * d).reshape(x.shape)


class Model:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        value = lambda key: reader.fields['gemma3.' + key].contents()
        self.layers, self.heads, self.d = value('block_count'), value('attention.head_count'), value('attention.key_length')
        self.width, self.eps, self.window = value('embedding_length'), value('attention.layer_norm_rms_epsilon'), value('attention.sliding_window')
        self.base = value('rope.freq_base')
        assert value('attention.head_count_kv') == 1
        self.w = {t.name: gguf.dequantize(t.data, t.tensor_type).astype(np.float64).reshape([int(n) for n in t.shape[::-1]]) for t in reader.tensors}
        self.tokens = reader.fields['tokenizer.ggml.tokens'].contents()
        self.rounded = False

    def linear(self, x, name):
        return (eight_bits(x) if self.rounded else x) @ self.w[name].T

    def rotate(self, x, base, at):  # x [n, heads, d]: halves are rotated
        angle = (at + np.arange(len(x)))[:, None] / base ** (np.arange(0, self.d, 2) / self.d)
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = np.split(x, 2, -1)
        return np.concatenate([a * c - b * s, b * c + a * s], -1)

    def run(self, ids, cache):
        """Hidden states of `ids` behind what `cache` holds: a list of (k, v) [positions, d] per layer, which grows."""
        x = self.w['token_embd.weight'][ids] * np.sqrt(self.width)
        for l in range(self.layers):
            w = lambda name: self.w[f'blk.{l}.{name}.weight']
            lin = lambda y, name: self.linear(y, f'blk.{l}.{name}.weight')
            full = (l + 1) % 6 == 0
            y = rms_norm(x, w('attn_norm'), self.eps)
            at = len(cache[l][0]) if l < len(cache) else 0
            q = rms_norm(lin(y, 'attn_q').reshape(len(ids), self.heads, self.d), w('attn_q_norm'), self.eps)
            k = rms_norm(lin(y, 'attn_k').reshape(len(ids), 1, self.d), w('attn_k_norm'), self.eps)
            q, k = (self.rotate(t, self.base if full else 10000.0, at) for t in (q, k))
            k, v = k[:, 0], lin(y, 'attn_v')
            if at:
                k, v = np.concatenate([cache[l][0], k]), np.concatenate([cache[l][1], v])
            if l < len(cache):
                cache[l] = (k, v)
            else:
                cache.append((k, v))
            score = np.einsum('ihd,jd->hij', q, k) * self.d ** -0.5
            i, j = at + np.arange(len(ids))[:, None], np.arange(len(k))[None]
            score = np.where((j <= i) & (full | (j > i - self.window)), score, -np.inf)
            p = np.exp(score - score.max(-1, keepdims=True))
            p /= p.sum(-1, keepdims=True)
            o = lin(np.einsum('hij,jd->ihd', p, v).reshape(len(ids), -1), 'attn_output')
            x = x + rms_norm(o, w('post_attention_norm'), self.eps)
            y = rms_norm(x, w('ffn_norm'), self.eps)
            u = lin(y, 'ffn_gate')
            u = 0.5 * u * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u ** 3)))
            x = x + rms_norm(lin(u * lin(y, 'ffn_up'), 'ffn_down'), w('post_ffw_norm'), self.eps)
        return rms_norm(x, self.w['output_norm.weight'], self.eps)

    def logprobs(self, hidden):
        logits = self.linear(hidden, 'token_embd.weight')
        logits -= logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def best(logp, n):
    part = np.argpartition(-logp, 4 * n)[:4 * n]
    return part[np.lexsort((part, -logp[part]))][:n]


def greedy(model, ids):
    cache, out, steps = [], [], []
    hidden = model.run(np.array(ids), cache)[-1:]
    for _ in range(STEPS):
        logp = model.logprobs(hidden)[0]
        steps.append([[int(i), round(float(logp[i]), 5)] for i in best(logp, 4)])
        out.append(steps[-1][0][0])
        hidden = model.run(np.array(out[-1:]), cache)
    return out, steps


def parting(model, ids, answer, steps):
    """Along an answer of float64: the gap between its two best at the first step where `model` prefers another token; 0: nowhere."""
    hidden = model.run(np.array(ids + answer[:-1]), [])[len(ids) - 1:]
    for t in range(STEPS):
        if model.logprobs(hidden[t:t + 1])[0].argmax() != answer[t]:
            return steps[t][0][1] - steps[t][1][1]
    return 0


def divergence(exact, other):
    return float((np.exp(exact) * (exact - other)).sum())


def divergence_of_best(exact, other, n):
    """The same, where everything but exact's n best is one bucket: never more than the whole divergence."""
    at = best(exact, n)
    rest = [np.log1p(-np.exp(x[at]).sum()) for x in (exact, other)]
    return float((np.exp(exact[at]) * (exact[at] - other[at])).sum() + np.exp(rest[0]) * (rest[0] - rest[1]))


def passage(model, name, ids, first, n, logprobs):
    """Appends the reference's best to `logprobs`; float64 against rounded activations, all positions."""
    exact = model.run(np.array(ids), [])[first:first + n]
    model.rounded = True
    rounded = model.run(np.array(ids), [])[first:first + n]
    whole, coarse = [], []
    for x, y in zip(exact, rounded):
        model.rounded = False
        p = model.logprobs(x[None])[0]
        model.rounded = True
        q = model.logprobs(y[None])[0]
        at = best(p, TOP)
        logprobs.append(at.astype('<i4').tobytes() + p[at].astype('<f4').tobytes())
        whole.append(divergence(p, q))
        coarse.append(divergence_of_best(p, q, TOP))
    model.rounded = False
    print(f'{name}: rounded activations diverge by {np.mean(whole):.5f} nats in the mean, {max(whole):.5f} at most; by the {TOP} best {np.mean(coarse):.5f}, {max(coarse):.5f}', flush=True)
    for window in (511, 513, 1 << 20) if len(ids) > model.window else ():
        kept, model.window = model.window, window
        other = model.run(np.array(ids), [])[first:first + n]
        model.window = kept
        kl = [divergence(model.logprobs(x[None])[0], model.logprobs(y[None])[0]) for x, y in zip(exact[::8], other[::8])]
        print(f'{name}: a window of {window} diverges by {np.mean(kl):.5f}, {max(kl):.5f} at most', flush=True)
    return {'name': name, 'ids': ids, 'first': first, 'n': n, 'kl_bounds': [round(3 * round(float(kl), 5), 5) for kl in (np.mean(coarse), max(coarse))]}


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('model')
    a.add_argument('tokenizer')
    a.add_argument('--out', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / 'data')
    a.add_argument('--near-tie', type=float, default=0.1)
    a = a.parse_args()
    model, tokenizer = Model(a.model), Tokenizer.from_file(a.tokenizer)
    spelled = lambda text: text.replace(' ', '\u2581')  # the file has runs of blanks as they are
    assert all(spelled(text) == tokenizer.id_to_token(i) for i, text in enumerate(model.tokens)), 'the file has other tokens than tokenizer.json'
    prompts = [(name, kind, text, tokenizer.encode(text).ids) for name, kind, text in PROMPTS]
    long_ids = tokenizer.encode(LONG_TEXT).ids[:LONG]
    assert len(long_ids) == LONG
    prompts.append(('long', 'long', '', long_ids))
    out = []
    for name, kind, text, ids in prompts:
        answer, steps = greedy(model, ids)
        model.rounded = True
        gap = parting(model, ids, answer, steps)
        model.rounded = False
        print(f'{name} ({len(ids)} tokens): rounded activations part over a gap of {gap:.3f}; {tokenizer.decode(answer)!r}', flush=True)
        out.append({'name': name, 'kind': kind, 'text': text, 'ids': ids, 'greedy': answer, 'steps': steps})
    logprobs, ids = [], tokenizer.encode(PASSAGE).ids
    passages = [passage(model, 'lighthouse', ids, 0, len(ids), logprobs), passage(model, 'long', long_ids, LONG - WINDOW_TOKENS, WINDOW_TOKENS, logprobs)]
    head = {'sha256': hashlib.sha256(open(a.model, 'rb').read()).hexdigest(), 'near_tie': a.near_tie, 'top': TOP}
    rows = lambda items: ',\n'.join(json.dumps(p, separators=(',', ':')) for p in items)
    text = json.dumps(head, separators=(',', ':'))[:-1] + f',"prompts":[\n{rows(out)}\n],"passages":[\n{rows(passages)}\n]}}\n'
    (a.out / 'gemma3_270m.json').write_text(text)
    (a.out / 'gemma3_270m.logprobs').write_bytes(b''.join(logprobs))


if __name__ == '__main__':
    main()
