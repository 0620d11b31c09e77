#!/usr/bin/env python3
"""Writes tests/tokenizer/data/invalid_utf8.bin: byte strings, well-formed and not, and what Python decodes them to.

For each: varint(bytes) bytes, varint(bytes) of the text, text, varint of U+FFFD put in. Every lead byte before every kind of
continuation, cut at every place, then random bytes from a fixed seed.
"""
import itertools
import pathlib
import random

from make_reference import varint


def cases():
    edges = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF]
    for lead in range(0x80, 0x100):
        yield bytes([lead])
        for second in edges:
            yield bytes([lead, second])
    for lead in (0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5):
        for rest in itertools.product((0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC3), repeat=2):
            yield bytes([lead, *rest])
            yield bytes([lead, *rest, 0x80])
            yield bytes([lead, *rest, 0x41])
    rng = random.Random("bytes")
    for _ in range(2000):
        yield bytes(rng.choice(edges + [rng.randint(0, 255)]) for _ in range(rng.randint(1, 10)))


with open(pathlib.Path(__file__).parent / "data" / "invalid_utf8.bin", "wb") as out:
    for data in cases():
        text = data.decode("utf-8", "replace")
        valid_fffd = data.count(b"\xef\xbf\xbd")  # the character itself is no fault
        encoded = text.encode()
        out.write(varint(len(data)) + data + varint(len(encoded)) + encoded + varint(text.count("\ufffd") - valid_fffd))
