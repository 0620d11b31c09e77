#!/usr/bin/env python3
"""Writes tests/tokenizer/data/normalize.bin: for NFC, NFD, NFKC, NFKD and Lowercase of PyPI `tokenizers`, each with nothing
around, with "a\\u0301" before and with "\\u0345" behind every code point, each on a line of one text: a 64-bit little-endian
FNV-1a hash of the result.

    python3 tests/tokenizer/make_normalize.py
"""
import pathlib

from tokenizers import normalizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def fnv(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h.to_bytes(8, "little")


def main():
    out = bytearray()
    for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        normalizer = getattr(normalizers, kind)()
        for before, behind in (("", ""), ("a\u0301", ""), ("", "\u0345")):
            out += fnv(normalizer.normalize_str("".join(before + chr(c) + behind + "\n" for c in CODE_POINTS)))
    (pathlib.Path(__file__).parent / "data" / "normalize.bin").write_bytes(out)


if __name__ == "__main__":
    main()
