#!/usr/bin/env python3
"""make_seeds.py: writes tests/fuzz/seeds/PROGRAM/, small inputs that lead each fuzz program into what it reads. They are stored, so this is
run only to change them."""

import json
import pathlib
import struct

SEEDS = pathlib.Path(__file__).with_name("seeds")


def save(program, name, data):
    folder = SEEDS / program
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.bin").write_bytes(data)


def text(value):
    value = value.encode()
    return struct.pack("<Q", len(value)) + value


def gguf(tensors, metadata, alignment=32):
    """metadata: (key, type, bytes); tensors: (name, shape, type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in metadata)
    data = b""
    for name, shape, kind, values in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        data += values + bytes(-len(values) % alignment)
    return head + bytes(-len(head) % alignment) + data


def gguf_seeds():
    values = {"u8": (0, b"\7"), "i32": (5, struct.pack("<i", -3)), "f32": (6, struct.pack("<f", 1e-5)), "bool": (7, b"\1"), "text": (8, text("llama")),
              "u64": (10, struct.pack("<Q", 1 << 40)), "texts": (9, struct.pack("<IQ", 8, 3) + text("a") + text("") + text("\u4e2d")),
              "ints": (9, struct.pack("<IQ4i", 5, 4, 1, 2, 3, 4)), "nested": (9, struct.pack("<IQIQ2B", 9, 1, 0, 2, 1, 2))}
    metadata = [(f"general.{name}", kind, value) for name, (kind, value) in values.items()]
    save("gguf", "metadata", gguf([], metadata))
    save("gguf", "alignment", gguf([("a", [3], 0, bytes(12))], [("general.alignment", 4, struct.pack("<I", 64))], 64))
    blocks = {0: (32, 128), 1: (32, 64), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84), 11: (256, 110), 12: (256, 144),
              13: (256, 176), 14: (256, 210), 30: (32, 64)}  # ggml's number of the type: elements and bytes of a block
    tensors = [(f"t{kind}", [n, 2], kind, bytes(range(1, 1 + min(size, 99))) * 9) for kind, (n, size) in blocks.items()]
    save("gguf", "types", gguf([(name, shape, kind, data[:2 * blocks[kind][1]].ljust(2 * blocks[kind][1], b"\3")) for name, shape, kind, data in tensors], []))


def safetensors_seeds():
    def file(header, data=b""):
        header = json.dumps(header).encode()
        return b"\0" + struct.pack("<Q", len(header)) + header + data

    save("safetensors", "two", file({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                                     "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]}}, bytes(range(22))))
    save("safetensors", "other_types", file({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}, "b": {"dtype": "F16", "shape": [], "data_offsets": [8, 10]}},
                                            bytes(10)))
    save("safetensors", "index", b"\1" + json.dumps({"metadata": {"total_size": 9}, "weight_map": {"a": "x-1.safetensors", "b": "x-2.safetensors"}}).encode())


def snapshot_seeds():
    for n in (1, 2, 4):
        entries = b"".join(struct.pack("<IIQ", i + 1, 0, 16) for i in range(n))
        head = b"RUSTMLSN" + struct.pack("<QQQQQ", 0x0102030400000001, n << 32, 0, 0, 0)
        save("snapshot", f"sections_{n}", bytes(20) + bytes([n, 1]) + head[22:] + entries + bytes(range(16)) * n + bytes(8 * n))


def encode_seeds():
    for kind in range(5):
        for flags in (0, 8 | 32, 16):
            words = "a  ab aaaa\n\n<|m|> <tool> don't 123456 caf\u00e9 \u4e2d\u6587 \u2581x\t\U0001F600"
            choice = next(c for c in range(256) if c % 5 == kind and c & 56 == flags)
            save("encode", f"kind_{kind}_{flags}", bytes([choice]) + words.encode())


def tokenizer_json_seeds():
    model = {"type": "BPE", "vocab": {piece: i for i, piece in enumerate(["<s>", "a", "b", "ab", "\u0120", "\u0120a", "<unk>"])},
             "merges": ["a b", "\u0120 a"]}
    plain = {"version": "1.0", "added_tokens": [{"id": 0, "content": "<s>", "special": True, "lstrip": False, "rstrip": True, "normalized": False,
                                                 "single_word": False}],
             "normalizer": None, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
             "decoder": {"type": "ByteLevel"}, "post_processor": {"type": "ByteLevel"}, "model": model}
    save("tokenizer_json", "byte_level", json.dumps(plain).encode() + b"\xff a b<s> ab")
    split = {**plain, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "(?i:'s)|\\p{L}+|\\s+(?!\\S)|\\d{1,3}"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]}}
    save("tokenizer_json", "split", json.dumps(split).encode() + b"\xff ab's 1234")
    pieces = {"<unk>": 0, "\u2581": 1, "a": 2, "\u2581a": 3, **{f"<0x{b:02X}>": 4 + b for b in range(256)}}
    metaspace = {"version": "1.0", "added_tokens": [], "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "NFC"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}, "pre_tokenizer": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
                                                     {"type": "Fuse"}]},
        "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {}},
        "model": {"type": "BPE", "vocab": pieces, "merges": [["\u2581", "a"]], "byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True}}
    save("tokenizer_json", "metaspace", json.dumps(metaspace).encode() + b"\xff a \xc3\xa9")


for seeds in (gguf_seeds, safetensors_seeds, snapshot_seeds, encode_seeds, tokenizer_json_seeds):
    seeds()
