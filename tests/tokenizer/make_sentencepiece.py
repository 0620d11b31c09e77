#!/usr/bin/env python3
"""Writes tests/tokenizer/data/sentencepiece.gguf and sentencepiece.bin: a small vocabulary with scores, as SentencePiece would
have learned it, and what llama.cpp and PyPI `tokenizers` make of texts with it.

    python3 tests/tokenizer/make_sentencepiece.py                       # pip: tokenizers gguf llama-cpp-python

Pieces are learned by `tokenizers` from Python's own manual; the score of a piece is minus its place. The second reference is
BPE with byte_fallback whose merges are all splits of each piece into two pieces, best score first. Texts where the two
references differ are left out and counted: scores do not say which of several splits of one piece comes first.
sentencepiece.bin: for each text varint(bytes) UTF-8, then, with and without add_space_prefix, varint(ids) and varint(id) each.
"""
import pathlib
import pydoc_data.topics
import random
import tempfile

import gguf
import llama_cpp
from make_reference import anything, common, varint
from tokenizers import Tokenizer, decoders, models, normalizers, trainers

HERE = pathlib.Path(__file__).parent
BLANK = "\u2581"
PIECES, STRINGS = 1200, 3000
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def learn():
    text = " ".join(pydoc_data.topics.topics[key] for key in sorted(pydoc_data.topics.topics))[:400_000]
    tokenizer = Tokenizer(models.BPE())
    # Words begin with a blank, as SentencePiece cuts them while it learns.
    words = [BLANK + word for word in text.split()] + [BLANK * n for n in (2, 3, 4, 4, 8, 8)] * 50 + ["été", "über", "日本語", "日本", "привет", "при"] * 30
    from tokenizers import pre_tokenizers
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(words, trainers.BpeTrainer(vocab_size=PIECES, show_progress=False))
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    single = [piece for piece, _ in by_id if len(piece) == 1]
    return [piece for piece, _ in by_id if len(piece) > 1] + single


def reference(tokens, scores, prefix):
    vocabulary = {token: i for i, token in enumerate(tokens)}
    pieces = [t for t in tokens[259:] if len(t) > 1]
    merges = [(t[:cut], t[cut:]) for t in pieces for cut in range(1, len(t)) if t[:cut] in vocabulary and t[cut:] in vocabulary]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(([normalizers.Prepend(BLANK)] if prefix else []) + [normalizers.Replace(" ", BLANK)])
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def write_gguf(path, tokens, scores, types, prefix):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(prefix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    pieces = learn()
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + pieces
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces))]
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces)
    write_gguf(HERE / "data" / "sentencepiece.gguf", tokens, scores, types, True)
    encoders = []
    with tempfile.TemporaryDirectory() as folder:
        for prefix in (True, False):
            path = f"{folder}/{prefix}.gguf"
            write_gguf(path, tokens, scores, types, prefix)
            llama = llama_cpp.Llama(path, vocab_only=True, verbose=False)
            encoders.append((lambda text, llama=llama: llama.tokenize(text.encode(), add_bos=False, special=False), reference(tokens, scores, prefix)))

        words = " ".join(pydoc_data.topics.topics.values()).split()
        kept, differ = [], 0
        for i in range(STRINGS):
            rng = random.Random(f"piece {i}")
            text = [lambda r: " ".join(r.choice(words) for _ in range(r.randint(1, 12))), common, anything][i % 3](rng).replace("\0", "")
            if rng.random() < 0.3:
                text = rng.choice([" ", "  ", BLANK, "\n", "日本語", "aaaaaaaa"]) + text
            if not text:
                continue
            results = [(first(text), second(text)) for first, second in encoders]
            if any(a != b for a, b in results):
                differ += 1
                continue
            kept.append((text, [a for a, _ in results]))
    with open(HERE / "data" / "sentencepiece.bin", "wb") as out:
        for text, encodings in kept:
            data = text.encode()
            out.write(varint(len(data)) + data + b"".join(varint(n) for ids in encodings for n in [len(ids)] + ids))
    print(f"{len(tokens)} tokens, {len(kept)} texts; the references differ on {differ} more")


if __name__ == "__main__":
    main()
