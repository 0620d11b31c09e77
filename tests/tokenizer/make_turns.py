#!/usr/bin/env python3
"""Writes tests/tokenizer/data/gemma3_turns.bin: what PyPI `tokenizers` makes of texts with turn tokens and HTML tags, by Gemma 3's own tokenizer.json:

    python3 tests/tokenizer/make_turns.py $(scripts/fetch-tokenizers)     # pip: tokenizers (0.23.3)

400 random texts of the parts below. For each: varint(bytes), UTF-8; then twice varint(ids), varint each: special tokens found (trusted text), and
special tokens taken as ordinary text (`encode_special_tokens`). Gemma's <s> and </s> are added tokens that are not special: always found.
No two blanks follow each other: GGUF files of this vocabulary have runs of blanks as tokens of their own, tokenizer.json has not.
"""
import pathlib
import random
import sys

from tokenizers import Tokenizer

PARTS = ['<start_of_turn>', '<end_of_turn>', '<s>', '</s>', '<b>', '</b>', '<h1>', '</h1>', '<strike>', '<eos>', '<bos>', 'user\n', 'model\n', '\n', 'Hello', ' price', ' 30',
         '<', '>', '</', 's>', 'end_of_turn', '<end_of_', 'turn>', '\u00e9', '\u6f22', 'a<s>b', '</s></s>', '<|im_end|>', '.']


def main():
    tokenizer, rng, out = Tokenizer.from_file(sys.argv[1] + '/gemma3/tokenizer.json'), random.Random(10), bytearray()

    def varint(n):
        while n >= 0x80:
            out.append(n & 0x7F | 0x80)
            n >>= 7
        out.append(n)

    for _ in range(400):
        text = ''.join(rng.choice(PARTS) for _ in range(rng.randrange(1, 9)))
        varint(len(text.encode()))
        out.extend(text.encode())
        for ordinary in (False, True):
            tokenizer.encode_special_tokens = ordinary
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            varint(len(ids))
            for i in ids:
                varint(i)
    (pathlib.Path(__file__).parent / 'data' / 'gemma3_turns.bin').write_bytes(out)


main()
