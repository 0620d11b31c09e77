"""Two tiny vocabularies for the golden models, learned from one paragraph by plain BPE, so that they are the same on every machine.

byte_bpe()      GPT-2 style: 3 control tokens, 256 bytes in GPT-2's printable spelling, 72 merges -> 331 tokens (a prime)
sentencepiece() Llama 2 style: <unk> <s> </s>, 256 byte tokens, characters and merged pieces with scores -> 347 tokens (a prime)
Both return what the GGUF keys tokenizer.ggml.* want; reference_encode() encodes with PyPI `tokenizers`, built from the same lists."""
from collections import Counter

TEXT = """The capital of France is Paris. Once upon a time there was a small engine that ran a language model on a processor, one
token at a time, and the people who used it never had to wait for the answer. What is the answer? The answer is in the text: the
model reads the text, and then it writes the next word, and the next, until it is done or until it is told to stop. def main(): return 0"""

CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
INST = ("{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
        "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}")
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # tokenizer.ggml.token_type


def printable_bytes():
    """GPT-2's spelling of the 256 bytes: printable Latin-1 as itself, the rest from U+0100 on, in byte order."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    rest = iter(range(0x100, 0x200))
    return [chr(b) if b in plain else chr(next(rest)) for b in range(256)]


def learn_merges(words, count):
    """The `count` most frequent pairs, one after the other; ties by spelling. words: list of lists of symbols."""
    merges = []
    while len(merges) < count:
        pairs = Counter(pair for word in words for pair in zip(word, word[1:]))
        pair = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(pair)
        for word in words:
            i = 0
            while i + 1 < len(word):
                if (word[i], word[i + 1]) == pair:
                    word[i:i + 2] = [pair[0] + pair[1]]
                i += 1
    return merges


def byte_bpe(pre):
    spelled = printable_bytes()
    words = [[spelled[b] for b in (' ' * (i > 0) + w).encode()] for i, w in enumerate(TEXT.split())]
    merges = learn_merges(words, 72)
    tokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] + spelled + [a + b for a, b in merges]
    return {'model': 'gpt2', 'pre': pre, 'tokens': tokens, 'merges': [f'{a} {b}' for a, b in merges], 'types': [CONTROL] * 3 + [NORMAL] * (len(tokens) - 3),
            'scores': None, 'bos': 1, 'eos': 2, 'unknown': 0, 'add_bos': False, 'template': CHATML}


def sentencepiece():
    words = [list('▁' + w) for w in TEXT.split()]
    characters = sorted({c for w in words for c in w})
    merges = learn_merges(words, 347 - 259 - len(characters))
    pieces = [a + b for a, b in merges] + characters
    tokens = ['<unk>', '<s>', '</s>'] + [f'<0x{b:02X}>' for b in range(256)] + pieces
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces))]
    return {'model': 'llama', 'pre': 'default', 'tokens': tokens, 'merges': None, 'types': [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces),
            'scores': scores, 'bos': 1, 'eos': 2, 'unknown': 0, 'add_bos': True, 'template': INST}


def write_keys(writer, v):
    writer.add_tokenizer_model(v['model'])
    writer.add_tokenizer_pre(v['pre'])
    writer.add_token_list(v['tokens'])
    writer.add_token_types(v['types'])
    if v['scores']:
        writer.add_token_scores(v['scores'])
        writer.add_add_space_prefix(True)
    else:
        writer.add_token_merges(v['merges'])
    writer.add_bos_token_id(v['bos'])
    writer.add_eos_token_id(v['eos'])
    writer.add_unk_token_id(v['unknown'])
    writer.add_add_bos_token(v['add_bos'])
    writer.add_chat_template(v['template'])


def reference_tokenizer(v):
    """The vocabulary as a PyPI `tokenizers` object: normalizer, pre-tokenizer and model, nothing added."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    ids = {t: i for i, t in enumerate(v['tokens'])}
    if v['model'] == 'gpt2':
        merges = [tuple(m.split(' ')) for m in v['merges']]
        t = Tokenizer(models.BPE(vocab=ids, merges=merges))
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level]) if v['pre'] == 'smollm' else byte_level
    else:  # merges in the order of the merged piece's score, as the converter of Llama 2 tokenizers makes them
        pieces = v['tokens'][259:]
        rank = {p: -s for p, s in zip(pieces, v['scores'][259:])}
        merges = [(p[:i], p[i:]) for p in pieces for i in range(1, len(p)) if p[:i] in rank and p[i:] in rank]
        merges.sort(key=lambda m: (rank[m[0] + m[1]], rank[m[0]], rank[m[1]]))
        t = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token='<unk>', fuse_unk=True, byte_fallback=True))
        t.normalizer = normalizers.Sequence([normalizers.Prepend('▁'), normalizers.Replace(' ', '▁')])
    return t


def reference_encoder(v):
    """text -> ids by PyPI `tokenizers`, without BOS; special tokens in the text are not parsed."""
    t = reference_tokenizer(v)
    return lambda text: t.encode(text, add_special_tokens=False).ids
