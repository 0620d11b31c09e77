#!/usr/bin/env python3
"""Writes what PyPI `tokenizers` makes of tokenizer.json files, in tests/tokenizer/data:

    python3 tests/tokenizer/make_huggingface_reference.py $(scripts/fetch-tokenizers)     # pip: tokenizers

huggingface_{gpt2,gemma3,llama3}.bin: hashes over the 52,000 strings of smollm2.bin, and over 10,400 more with an added token
between two of them (with_token). For each ten strings, three 32-bit little-endian FNV-1a hashes: of the ids (4 bytes each,
FF FF FF FF after each string), of the decoded texts and of those without special tokens (UTF-8, FF after each).
Then the ids in full of every 260th of the 52,000: varint(ids), varint each.

huggingface_variants.json: small tokenizers, one for each part of the format, with texts, ids, and what these decode to.

With --compare nothing is written: the installed `tokenizers` must say of the variants what that file says.
"""
import json
import pathlib
import random
import sys

try:
    from tokenizers import Tokenizer
except ImportError:
    print("SKIPPED small tokenizer.json files against tokenizers: needs PyPI tokenizers")
    sys.exit(77)

HERE = pathlib.Path(__file__).parent
BATCH, FULL_EVERY = 10, 260


def read_strings():
    data, at, out = (HERE / "data" / "smollm2.bin").read_bytes(), 0, []

    def varint():
        nonlocal at
        n, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            if byte < 0x80:
                return n
            shift += 7

    while at < len(data):
        length = varint()
        out.append(data[at:at + length].decode())
        at += length
        n_ids = varint()
        at += 2 * n_ids
    return out


def with_token(strings, added):
    """For every fifth i: string i, added token i / 5, string i + 1."""
    return [strings[i] + added[i // 5 % len(added)] + strings[i + 1] for i in range(0, len(strings) - 1, 5)]


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def fnv(data):
    h = 0x811C9DC5
    for byte in data:
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h.to_bytes(4, "little")


def write_real(folder, name, strings):
    path = pathlib.Path(folder) / name / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokens = sorted((a["id"], a["content"]) for a in json.loads(path.read_text())["added_tokens"])
    texts = strings + with_token(strings, [content for _, content in tokens])
    ids = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    decoded = [tokenizer.decode_batch(ids, skip_special_tokens=skip) for skip in (False, True)]
    out = bytearray(varint(-(-len(texts) // BATCH)))
    for i in range(0, len(texts), BATCH):
        out += fnv(b"".join(b"".join(n.to_bytes(4, "little") for n in row) + b"\xFF\xFF\xFF\xFF" for row in ids[i:i + BATCH]))
        for rows in decoded:
            out += fnv(b"".join(text.encode() + b"\xFF" for text in rows[i:i + BATCH]))
    for i in range(0, len(strings), FULL_EVERY):
        out += varint(len(ids[i])) + b"".join(map(varint, ids[i]))
    (HERE / "data" / f"huggingface_{name}.bin").write_bytes(out)
    print(name, len(texts), "strings", sum(map(len, ids)), "ids", len(out), "bytes")


TEXTS = ["", " ", "a", "abc", " abc", "abc  def ", "Hello, World! 123", "it's WE'LL 12345", "e\u0301 \u00E9 \uFB01 \u00BD \u2460 \u0130 \u1E9E \u03A3",
         "\uAC00\u1100\u1161 a\u0316\u0301 a\u0301\u0316", "  a b  c ", "a\u00A0b\u3000c\u2028d", "x<s>y", "<s> <tool> </s>", "a<tool>b <tool> c", "tok tok, xtok tokx tok",
         "  <s>  <s>ab", "▁a ▁▁b", "\u4E2D\u6587\u5B57 \U0001F600\u200D", "ab\nab\r\n\n  ab\t", "1\u0661\u00B2\u216312", "camelCase fooBAR_baz", "aaa bbb abab", "a'sb'S c'\u017F",
         "[TOK] [tok]", "\u0000\u0001\u007F", "...!?--", "Ab\u0327c \u0344", "\u01C5\u01C4 \u0149"]
GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"


def byte_letters():
    letters = {b: chr(b) for b in [*range(33, 127), *range(161, 173), *range(174, 256)]}
    for b in range(256):
        letters.setdefault(b, chr(256 + sum(k not in letters or ord(letters[k]) > 255 for k in range(b))))
    return [letters[b] for b in range(256)]


def added(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} | flags


def model(tokens, merges, **options):
    tokens = list(dict.fromkeys(tokens + [a + b for a, b in merges]))
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges} | options


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def sequence(what, *steps):
    return {"type": "Sequence", what: list(steps)}


def variants():
    """name -> members of a tokenizer.json; "vocabulary" chooses the model."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    spell = byte_level | {"use_regex": False}
    blank = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    unblank = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    out = {f"normalizer {kind}": {"normalizer": {"type": kind}} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")}
    for left, right in ((True, True), (True, False), (False, True)):
        out[f"normalizer Strip {left} {right}"] = {"normalizer": {"type": "Strip", "strip_left": left, "strip_right": right}}
    out["normalizer Prepend"] = {"normalizer": {"type": "Prepend", "prepend": "▁"}}
    out["normalizer Replace"] = {"normalizer": {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}}
    out["normalizer Sequence"] = {"normalizer": sequence("normalizers", {"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": "b"}, "content": ""})}
    out["Llama 2"] = {"vocabulary": "pieces", "normalizer": sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, blank),
                      "decoder": sequence("decoders", unblank, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})}
    out["Gemma"] = {"vocabulary": "pieces", "normalizer": blank, "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
                    "decoder": sequence("decoders", unblank, {"type": "ByteFallback"}, {"type": "Fuse"})}
    for scheme in ("always", "first", "never"):
        for cut in (True, False):
            metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}
            out[f"Metaspace {scheme} {cut}"] = {"vocabulary": "pieces", "pre_tokenizer": metaspace, "decoder": metaspace}
    old = {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True}
    out["Metaspace of old"] = {"vocabulary": "pieces", "pre_tokenizer": old, "decoder": old}
    out["unknown characters"] = {"vocabulary": "unknown"}
    out["unknown characters fused"] = {"vocabulary": "unknown", "options": {"fuse_unk": True}}
    out["unknown characters dropped"] = {"vocabulary": "unknown", "options": {"unk_token": None}}
    out["some bytes"] = {"vocabulary": "some bytes", "decoder": {"type": "ByteFallback"}}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            out[f"Split {behavior} {invert}"] = {"pre_tokenizer": split(r"[ab]|\s", behavior, invert)}
    for name, pattern in (("GPT-4o", GPT4O), ("DeepSeek", DEEPSEEK), ("cl100k", CL100K), ("words", r"\w+|[^\w\s]"), ("edges", r"\b"), ("lines", r"^.|.$"), ("empty", "a*"),
                          ("blanks but newlines", r"[^\S\r\n]+"), ("lookbehind", r"(?<=a)b|(?<!a)c"), ("hexadecimal", r"\h{2}"), ("categories", r"\p{Lu}\p{Ll}*|\P{L}\d|[\p{M}\p{Zs}]"),
                          ("numbers", r"\x{4E2D}|\u0061|[\x61-c]{,2}x"), ("lone words", r"\w|[\w]"), ("no words", r"\W\D|\H")):
        out[f"pattern {name}"] = {"pre_tokenizer": sequence("pretokenizers", split(pattern, "Isolated"), spell), "decoder": byte_level}
    out["pattern of nothing"] = {"pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": False}}
    for individual in (True, False):
        out[f"Digits {individual}"] = {"pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": individual}, byte_level), "decoder": byte_level}
    out["Whitespace"] = {"pre_tokenizer": {"type": "Whitespace"}}
    out["WhitespaceSplit"] = {"pre_tokenizer": {"type": "WhitespaceSplit"}}
    out["ByteLevel"] = {"pre_tokenizer": byte_level, "decoder": byte_level}
    out["ByteLevel with a blank before"] = {"pre_tokenizer": byte_level | {"add_prefix_space": True}, "decoder": byte_level}
    out["ByteLevel ignoring merges"] = {"pre_tokenizer": byte_level, "decoder": byte_level, "options": {"ignore_merges": True}}
    for flag in ("lstrip", "rstrip", "single_word", "normalized"):
        out[f"added {flag}"] = {"normalizer": {"type": "Lowercase"}, "added": [added(c, special=False, **{flag: True}) for c in ("<tool>", "tok", "[TOK]")] + [added("<s>", lstrip=True, rstrip=True), added(" ", special=False)]}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "end", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "end": {"id": "end", "ids": [1, 2], "tokens": ["</s>", "<tool>"]}}}
    out["TemplateProcessing"] = {"post_processor": sequence("processors", byte_level, template)}
    out["added tokens with other ids"] = {"added": [added("<s>", id=70), added("</s>"), added("<tool>", special=False, id=71), added("new", id=-1), added("new", id=90)]}
    out["added tokens with more members"] = {"added": [added("<s>", more={"a": [1, {"b": []}]}), added("<tool>", special=False, more=[[]])]}
    out["lost unknown token"] = {"vocabulary": "pieces", "options": {"unk_token": "<lost>"}}
    out["no decoder"] = {"decoder": None}
    out["decoder Strip"] = {"decoder": sequence("decoders", {"type": "Strip", "content": "a", "start": 1, "stop": 0}, {"type": "Fuse"}, {"type": "Strip", "content": "b", "start": 2, "stop": 0})}
    return out


def variants_json():
    letters = ["a", "b", "c", "d", "e", "f", "x", "y", "A", "B", "S", "W", "H", "l", "o", "k", "t", "s", "1", "2", "3", "é", "▁", " ", "'", ",", ".", "中", "<", ">", "_", "\n", "i", "\u0301"]
    marks = ["<s>", "</s>", "<tool>"]
    joins = [["a", "b"], ["ab", "c"], ["▁", "a"], ["a", "a"], [" ", "a"], ["1", "2"], ["▁", "▁"], ["t", "o"], ["to", "k"], ["a", "▁"], ["l", "l"]]
    hexadecimal = [f"<0x{b:02X}>" for b in range(256)]
    spelled = [["Ġ", "a"], ["a", "b"], ["Ġa", "b"], ["1", "2"], ["é", "§"], ["l", "l"], ["ä", "¸"], ["ä¸", "Ń"], ["Ġ", "Ġ"]]
    models = {
        "bytes": lambda **o: model(marks + byte_letters() + ["Ġword", "Hello"], spelled, **o),
        "letters": lambda **o: model(marks + letters, joins, **o),
        "pieces": lambda **o: model(marks + ["<unk>"] + hexadecimal + letters, [j for j in joins if " " not in "".join(j)], **{"unk_token": "<unk>", "byte_fallback": True, "fuse_unk": True} | o),
        "unknown": lambda **o: model(marks + ["<unk>"] + letters[:9], [["a", "b"], ["<unk>", "a"]], **{"unk_token": "<unk>"} | o),
        "some bytes": lambda **o: model(marks + ["<unk>"] + [h for i, h in enumerate(hexadecimal) if i % 16 != 1] + letters[:9], [], **{"unk_token": "<unk>", "byte_fallback": True} | o),
    }
    cases = []
    for name, parts in variants().items():
        fuse = {"type": "Fuse"}
        kind = parts.get("vocabulary") or ("bytes" if "ByteLevel" in json.dumps(parts.get("pre_tokenizer", "")) else "letters")
        bpe = models[kind](**parts.get("options", {}))
        if random.Random(name).random() < 0.5 and all(" " not in "".join(m) for m in bpe["merges"]):
            bpe["merges"] = [" ".join(m) for m in bpe["merges"]]  # as older files write them
        rows, new = parts.get("added", [added("<s>"), added("</s>"), added("<tool>", special=False)]), len(bpe["vocab"])
        for row in rows:
            row["id"] = bpe["vocab"].get(row["content"], new) if row.get("id", -1) < 0 else row["id"]
            new += row["id"] == new
        text = json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": rows, "normalizer": parts.get("normalizer"),
                           "pre_tokenizer": parts.get("pre_tokenizer"), "post_processor": parts.get("post_processor"),
                           "decoder": parts.get("decoder", fuse), "model": bpe}, ensure_ascii=len(name) % 2 == 0)
        reference = Tokenizer.from_str(text)
        ids = [reference.encode(t, add_special_tokens=True).ids for t in TEXTS]
        cases.append({"name": name, "tokenizer": text, "ids": ids,
                      "decoded": [reference.decode(row, skip_special_tokens=False) for row in ids],
                      "skipped": [reference.decode(row, skip_special_tokens=True) for row in ids]})
    print(len(cases), "variants")
    return json.dumps({"texts": TEXTS, "cases": cases}, ensure_ascii=True, separators=(",", ":")) + "\n"


def main():
    path, made = HERE / "data" / "huggingface_variants.json", variants_json()
    if "--compare" in sys.argv:
        sys.exit(0 if path.read_text() == made else f"{path}: the installed tokenizers says otherwise")
    path.write_text(made)
    strings = read_strings()
    for name in ("gpt2", "gemma3", "llama3"):
        write_real(sys.argv[1], name, strings)


if __name__ == "__main__":
    main()
