#!/usr/bin/env python3
"""Writes tests/tokenizer/data/smollm2.bin and smollm2.txt: what PyPI `tokenizers` makes of 52,000 strings with SmolLM2's
vocabulary, and how often llama.cpp differs. Run by hand where these packages are installed:

    python3 tests/tokenizer/make_reference.py SmolLM2-135M-Instruct.Q4_1.gguf     # pip: tokenizers gguf llama-cpp-python

The reference is BPE(tokens and merges of the GGUF) behind Sequence[Digits(individual_digits), ByteLevel(no prefix space)].
Strings come from fixed seeds: half of common scripts, half of any code point. smollm2.bin holds, for each string,
varint(bytes) UTF-8 varint(ids) ids as 16-bit little-endian: 16 bits are enough for 49,152 tokens, and text and ids in full
show what differs where a checksum would only say that something does.
"""
import argparse
import pathlib
import random

import gguf
import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

HERE = pathlib.Path(__file__).parent
COMMON, ANY = 26_000, 26_000

SCRIPTS = [  # (first, last) of letters in everyday use
    [(0x61, 0x7A), (0x41, 0x5A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x17F)],  # Latin
    [(0x410, 0x44F), (0x401, 0x401), (0x451, 0x451), (0x404, 0x407), (0x490, 0x491)],  # Cyrillic
    [(0x391, 0x3A1), (0x3A3, 0x3C9), (0x3AC, 0x3CE)],  # Greek
    [(0x4E00, 0x9FA5), (0x3001, 0x3002), (0xFF0C, 0xFF0C)],  # Han
    [(0xAC00, 0xD7A3)],  # Hangul
    [(0x3042, 0x3093), (0x30A1, 0x30F6), (0x30FC, 0x30FC)],  # Kana
    [(0x621, 0x63A), (0x641, 0x64A), (0x60C, 0x60C), (0x660, 0x669)],  # Arabic
    [(0x904, 0x939), (0x93E, 0x94D), (0x966, 0x96F), (0x964, 0x964)],  # Devanagari
]
EMOJI = ["😀", "😂", "👍", "👍🏽", "👨‍👩‍👧", "🇫🇷", "❤️", "🏳️‍🌈", "🎉", "✨", "1️⃣", "🤷‍♀️"]
CODE = ["def f(x):", "return", "if (a != b) {", "}", "    ", "\t", "=>", "::", "->", "/* */", "//", "#include <x.h>", "x += 1;", "[0]", '"%s\\n"',
        "self.", "__init__", "0xFF", "<div>", "&&", "SELECT *", "$HOME", "\\d+", "a_b_c", "camelCase", "fooBAR"]
WORDS = ["the", "of", "Paris", "don't", "I'm", "we'll", "they've", "it's", "you're", "he'd", "DON'T", "naïve", "Über", "I'LL", "o'clock", "'tis",
         "Hello", "world", "tokenization", "e.g.", "www.example.com", "3.14", "2024-01-31", "1,000,000", "№5", "½", "x²", "don’t"]
BLANKS = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\t\t", " \n ", "        ", "\u00A0", "\u3000", "\n    ", "\u2003"]


def common(rng):
    parts = []
    script = rng.choice(SCRIPTS)
    for _ in range(rng.randint(1, 5)):
        kind = rng.random()
        if kind < 0.55:
            parts.append("".join(chr(rng.randint(*rng.choice(script))) for _ in range(rng.randint(1, 7))))
        elif kind < 0.67:
            parts.append(rng.choice(WORDS))
        elif kind < 0.75:
            parts.append(rng.choice(CODE))
        elif kind < 0.82:
            parts.append(str(rng.randint(0, 10 ** rng.randint(1, 7))))
        elif kind < 0.87:
            parts.append(rng.choice(EMOJI))
        elif kind < 0.93:
            parts.append("".join(rng.choice(".,!?;:-()\"'@#%&*+=<>[]{}|~`^_/") for _ in range(rng.randint(1, 4))))
        else:
            script = rng.choice(SCRIPTS)
        parts.append(rng.choice(BLANKS) if rng.random() < 0.25 else " " if rng.random() < 0.6 else "")
    return "".join(parts)


# Planes where letters, numbers and blanks are; the newest blocks get their share.
ANYWHERE = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF), (0x20000, 0x3FFFF), (0x40000, 0x10FFFF),
            (0x10D40, 0x10EFF), (0x11000, 0x11FFF), (0x13000, 0x14FFF), (0x16100, 0x16FFF), (0x1CC00, 0x1CEFF), (0x1E000, 0x1E5FF),
            (0x2000, 0x206F), (0x2EBF0, 0x323AF), (0x1680, 0x180F), (0x1C80, 0x1C8F), (0xA7C0, 0xA7FF)]
SEAMS = [" ", "  ", "\n", "1", "a", "'s", "'", "\u180E", "\u200B", "\u0085", "\uFEFF", "\u2028", "!", "\u0000"]


def anything(rng):
    parts = []
    for _ in range(rng.randint(1, 7)):
        first, last = rng.choice(ANYWHERE)
        c = rng.randint(first, last)
        parts.append(chr(c if not 0xD800 <= c <= 0xDFFF else c - 0x1000))
        if rng.random() < 0.4:
            parts.append(rng.choice(SEAMS))
    return "".join(parts)


def strings():
    out = [common(random.Random(f"common {i}")) for i in range(COMMON)]
    return out + [anything(random.Random(f"any {i}")) for i in range(ANY)]


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    args = parser.parse_args()
    fields = gguf.GGUFReader(args.gguf).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    reference = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    reference.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    reference.decoder = decoders.ByteLevel()

    texts = strings()
    encodings = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
    with open(HERE / "data" / "smollm2.bin", "wb") as out:
        for text, ids in zip(texts, encodings):
            data = text.encode()
            out.write(varint(len(data)) + data + varint(len(ids)) + b"".join(i.to_bytes(2, "little") for i in ids))

    import llama_cpp
    llama = llama_cpp.Llama(args.gguf, vocab_only=True, verbose=False)
    differ = [i for i, (text, ids) in enumerate(zip(texts, encodings)) if llama.tokenize(text.encode(), add_bos=False, special=False) != ids]
    report = [
        "smollm2.bin: made by make_reference.py",
        f"reference: tokenizers {tokenizers.__version__}; llama-cpp-python {llama_cpp.__version__}",
        f"strings: {COMMON} of common scripts, {ANY} of any code point; {sum(map(len, encodings))} ids",
        f"llama.cpp differs on {sum(i < COMMON for i in differ)} strings of common scripts and {sum(i >= COMMON for i in differ)} of any code point",
    ]
    report += [f"  string {i}: {texts[i]!r}" for i in differ if i < COMMON]
    report += [f"  for example string {i}: {texts[i]!r}" for i in [i for i in differ if i >= COMMON][:5]]
    (HERE / "data" / "smollm2.txt").write_text("\n".join(report) + "\n")
    print("\n".join(report))


if __name__ == "__main__":
    main()
