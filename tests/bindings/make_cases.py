#!/usr/bin/env python3
"""Writes cases.json; README.md says what its fields mean.

usage: /opt/ref/venv/bin/python tests/bindings/make_cases.py
Expected ids are transformers' of tests/golden/data, expected texts and encodings PyPI tokenizers' and jinja2's, statuses those
that rustml.h promises: nothing is copied from what the library or a binding answered.
"""

import json
import pathlib

import jinja2
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden/data"
LLAMA = json.loads((GOLDEN / "architectures/llama.json").read_text())
BEAMS = json.loads((GOLDEN / "beams.json").read_text())["cases"]
BASE = json.loads((GOLDEN / "base_f32.json").read_text())
TOKENIZER = Tokenizer.from_file(str(GOLDEN / "architectures/llama/tokenizer.json"))
TEMPLATE = json.loads((GOLDEN / "architectures/llama/tokenizer_config.json").read_text())["chat_template"]
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the answer? <|im_end|> 42 \u2603"}]
PROMPTS = [prompt["ids"] for prompt in LLAMA["prompts"]]
GREEDY = [prompt["greedy"] for prompt in LLAMA["prompts"]]
STOPS = (0, 2)  # <|endoftext|> and <|im_end|>
LONG = {"ids": [90, 305, 266, 262, 276, 66, 35, 55], "repeat": 1000}  # 8,000 tokens
SAMPLED = {"ids": PROMPTS[1], "max_tokens": 24, "ignore_eos": True, "temperature": 0.9, "top_k": 60, "top_p": 0.95}


def text(ids):
    return TOKENIZER.decode(ids, skip_special_tokens=False)


def want_text(ids):
    """Texts with U+0000 are left out: not every JSON reader gives them back."""
    return {} if "\0" in text(ids) else {"want_text": text(ids)}


def chat(generation_prompt):
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE).render(messages=MESSAGES, add_generation_prompt=generation_prompt)


def chat_ids():
    """Special tokens of the template are tokens, their text inside a message is not."""
    start, end, ids = TOKENIZER.token_to_id("<|im_start|>"), TOKENIZER.token_to_id("<|im_end|>"), []
    plain = Tokenizer.from_str(TOKENIZER.to_str())
    plain.encode_special_tokens = True
    for message in MESSAGES:
        ids += [start, *plain.encode(message["role"] + "\n" + message["content"], add_special_tokens=False).ids, end]
        ids += plain.encode("\n", add_special_tokens=False).ids
    return ids + [start, *plain.encode("assistant\n", add_special_tokens=False).ids]


def step(op, **fields):
    return {"op": op, **fields}


def case(name, *steps, model="main", **fields):
    return {"name": name, "model": model, **fields, "steps": list(steps)}


def generate(prompt, n, **fields):
    return step("generate", ids=PROMPTS[prompt], max_tokens=n, ignore_eos=True, want_ids=GREEDY[prompt][:n], **fields)


def refused(message, **fields):
    return step("generate", **{"ids": PROMPTS[1], **fields}, status="INVALID_ARGUMENT", message=message)


def opening():
    return [
        case("open", step("open", path="{data}/architectures/llama.gguf"), step("info", want_vocab_size=LLAMA["vocab_size"], want_chat_template=True)),
        case("open a folder", step("open", path="{data}/architectures/llama")),
        case("open what is absent", step("open", path="{work}/absent.gguf", status="NOT_FOUND", message="absent.gguf")),
        case("open what may not be read", step("open", path="{work}/forbidden.gguf", status="PERMISSION_DENIED", message="forbidden.gguf"),
             requires="permissions"),
        case("open what is cut", step("open", path="{work}/cut.gguf", status="DATA_LOSS", message="cut.gguf")),
        case("open another architecture", step("open", path="{work}/lxama.gguf", status="UNIMPLEMENTED", message="lxama")),
        case("open within no memory", step("open", path="{data}/base_f32.gguf", memory_limit_bytes=1000, status="RESOURCE_EXHAUSTED", message="1000")),
        case("open with a bad option", step("open", path="{data}/base_f32.gguf", n_threads=-1, status="INVALID_ARGUMENT", message="n_threads")),
        case("open when cancelled", step("open", path="{data}/base_f32.gguf", cancelled=True, status="CANCELLED", message="cancel")),
        case("open too late", step("open", path="{data}/base_f32.gguf", timeout_ms=-1, status="DEADLINE_EXCEEDED", message="deadline")),
    ]


def texts():
    encodings = [(e["text"], e["ids"]) for e in LLAMA["encodings"]]
    steps = [step("encode", text=t, want_ids=ids) for t, ids in encodings] + [step("decode", ids=ids, want_text=t) for t, ids in encodings]
    return [
        case("encode and decode", *steps, step("encode", text="", want_ids=[]), step("decode", ids=[], want_text="")),
        case("special tokens", step("encode", text="<|im_start|>x", parse_special=True, want_ids=[1, *TOKENIZER.encode("x").ids]),
             step("decode", ids=[1, *TOKENIZER.encode("x").ids], want_text="<|im_start|>x"),
             step("decode", ids=[1, *TOKENIZER.encode("x").ids], skip_special=True, want_text="x")),
        case("decode what is no token", step("decode", ids=[5, 331], status="INVALID_ARGUMENT", message="331")),
        case("chat template", step("chat_format", messages=MESSAGES, want_text=chat(True)),
             step("chat_format", messages=MESSAGES, add_generation_prompt=False, want_text=chat(False)),
             step("chat_format", messages=[{"content": "no role"}], status="INVALID_ARGUMENT", message="role")),
        case("chat", step("generate", messages=MESSAGES, max_tokens=12, save_as="answer", want_prompt_tokens=len(chat_ids())), step("reset"),
             step("generate", ids=chat_ids(), max_tokens=12, same_as="answer")),
    ]


def generating():
    eos = next(n for n, token in enumerate(GREEDY[0]) if token in STOPS)
    stop_text = text(GREEDY[1][6:8])
    whole = text(GREEDY[1][:16])
    return [
        case("greedy", *[s for p in range(4) for s in (generate(p, 64, **want_text(GREEDY[p]), want_finish="LENGTH"), step("reset"))]),
        case("stop token", step("generate", ids=PROMPTS[0], max_tokens=64, want_ids=GREEDY[0][:eos], want_text=text(GREEDY[0][:eos]), want_finish="STOP_TOKEN"),
             step("reset"), step("generate", ids=PROMPTS[1], max_tokens=64, stop_ids=[GREEDY[1][10]], want_finish="STOP_TOKEN",
                                 want_ids=GREEDY[1][:GREEDY[1].index(GREEDY[1][10])])),
        case("stop string", step("generate", ids=PROMPTS[1], max_tokens=16, ignore_eos=True, stop_strings=["never there", stop_text],
                                 want_text=whole[:whole.index(stop_text)], want_finish="STOP_STRING")),
        case("text prompt", step("generate", text=LLAMA["encodings"][0]["text"], max_tokens=12, ignore_eos=True, save_as="answer",
                                 want_prompt_tokens=len(LLAMA["encodings"][0]["ids"])), step("reset"),
             step("generate", ids=LLAMA["encodings"][0]["ids"], max_tokens=12, ignore_eos=True, same_as="answer")),
        case("a longer prompt keeps what the session has", generate(3, 8), step("tokens", want_ids=PROMPTS[3] + GREEDY[3][:8]),
             step("generate", ids=PROMPTS[3] + GREEDY[3][:8], max_tokens=8, ignore_eos=True, want_ids=GREEDY[3][8:16], want_skipped_at_least=100),
             step("rewind", n=50, want_position=50), step("generate", ids=PROMPTS[3], max_tokens=4, ignore_eos=True, want_ids=GREEDY[3][:4])),
        case("eval", step("eval", ids=PROMPTS[2], want_position=37), step("generate", ids=PROMPTS[2], max_tokens=8, ignore_eos=True, want_ids=GREEDY[2][:8]),
             step("rewind", n=1000, status="OUT_OF_RANGE", message="1000"), step("eval", ids=[331], status="INVALID_ARGUMENT", message="331")),
        case("logits", step("logits", status="FAILED_PRECONDITION"), step("eval", ids=PROMPTS[2], want_position=37),
             step("logits", want_size=LLAMA["vocab_size"], want_best=GREEDY[2][0]), step("generate", ids=PROMPTS[2], max_tokens=4, ignore_eos=True),
             step("logits", cancelled=True, status="CANCELLED", message="cancel"),
             step("logits", timeout_ms=-1, status="DEADLINE_EXCEEDED", message="deadline"),
             step("logits", timeout_ms=60000, want_size=LLAMA["vocab_size"], want_best=GREEDY[2][4])),
        case("rollback", step("eval", ids=PROMPTS[2], want_position=37), generate(3, 8, on_stop="ROLLBACK"), step("tokens", want_ids=PROMPTS[2])),
        case("break", generate(2, 64, break_after=5) | {"want_ids": GREEDY[2][:5]}, generate(3, 16)),
        case("seeds", step("generate", **SAMPLED, seed=1, save_as="one", publish="seed 1"), step("reset"), step("generate", **SAMPLED, seed=1, same_as="one"),
             step("reset"), step("generate", **SAMPLED, seed=2, differs_from="one", publish="seed 2"), step("reset"),
             step("generate", **SAMPLED, seed=2**64 - 1, differs_from="one", publish="largest seed")),
        case("penalties", step("generate", **SAMPLED, seed=3, repetition_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.25, min_p=0.01,
                               typical_p=0.9, repetition_window=16, publish="penalties")),
        case("prompt lookup", step("generate", ids=PROMPTS[1] + GREEDY[1][:24], max_tokens=32, ignore_eos=True, prompt_lookup=4,
                                   want_ids=GREEDY[1][24:56])),
        case("bad options", refused("temperature", temperature=-1.0), refused("top_k", top_k=-1), refused("top_p", top_p=1.5),
             refused("min_p", min_p=2.0), refused("stop", stop_strings=[""]), refused("331", ids=[5, 331]), refused("repetition_penalty", repetition_penalty=0.0)),
        case("context full", step("generate", ids=PROMPTS[2], ignore_eos=True, want_ids=GREEDY[2][:3], want_finish="CONTEXT_FULL"),
             step("generate", ids=PROMPTS[3], status="OUT_OF_RANGE", message="100"), session={"kv_type": "F32", "context_tokens": 40}),
        case("no room for the session", step("generate", ids=PROMPTS[1], status="RESOURCE_EXHAUSTED"), session={"memory_limit_bytes": 16}),
        case("while an answer is open", step("while_open", ids=PROMPTS[2], status="FAILED_PRECONDITION", message="generation"), generate(3, 4)),
        case("after close", step("after_close", status="INVALID_HANDLE")),
        case("batch", step("batch", prompts=PROMPTS, max_tokens=32, ignore_eos=True, want_all=[g[:32] for g in GREEDY]),
             step("batch", prompts=[PROMPTS[0], [331]], max_tokens=4, status="INVALID_ARGUMENT", message="331")),
    ] + beams()


def beams():
    chosen = [b for b in BEAMS if b["model"] == "base_f32"][:4]
    fields = ("width", "n_best", "length_penalty", "early_stopping", "max_tokens", "stop_ids")
    steps = []
    for b in chosen:
        steps += [step("beams", ids=BASE["prompts"][b["prompt"]]["ids"], ignore_eos=True, **{f: b[f] for f in fields}, want_beams=b["hypotheses"]), step("reset")]
    return [case("beams", *steps, step("beams", ids=[5], width=0, status="INVALID_ARGUMENT", message="width"), model="beams")]


def stopping():
    after = step("generate", ids=[5, 6, 7], max_tokens=4, ignore_eos=True)
    return [
        case("cancelled before", generate(2, 4, cancelled=True, status="CANCELLED", message="cancel") | {"want_ids": []}, generate(2, 4)),
        case("cancel in prefill", step("cancel_in", call="generate", **LONG, after_ms=30, within_ms=250, status="CANCELLED"), after,
             step("reset"), step("cancel_in", call="eval", **LONG, after_ms=30, within_ms=250, status="CANCELLED"), after, model="slow"),
        case("cancel while logits wait", step("generate", ids=[5, 6, 7], max_tokens=1, ignore_eos=True),
             step("cancel_in", call="logits", **LONG, after_ms=30, within_ms=250, status="CANCELLED"), step("logits", want_size=LLAMA["vocab_size"]),
             after, model="slow"),
        case("deadline in prefill", step("generate", **LONG, timeout_ms=40, within_ms=290, status="DEADLINE_EXCEEDED", message="deadline"), after,
             step("reset"), step("generate", **LONG, first_token_timeout_ms=40, within_ms=290, status="DEADLINE_EXCEEDED"), after,
             step("reset"), step("eval", **LONG, timeout_ms=40, within_ms=290, status="DEADLINE_EXCEEDED"), after, model="slow"),
        case("deadline already past", generate(2, 4, timeout_ms=-1, status="DEADLINE_EXCEEDED") | {"want_ids": []}, generate(2, 4)),
        case("two threads on one session", step("busy", **LONG, status="BUSY"), after, model="slow"),
        case("callback stop", step("callback_stop", ids=PROMPTS[2], value=42, status="CALLBACK_STOP"), generate(3, 8)),
        case("callback panic", step("callback_panic", ids=PROMPTS[2], times=100), generate(3, 8)),
    ]


def snapshots():
    return [
        case("snapshot", generate(2, 8), step("snapshot", want_position=45), step("generate", ids=PROMPTS[2] + GREEDY[2][:8], max_tokens=8,
             ignore_eos=True, want_ids=GREEDY[2][8:16], want_skipped_at_least=40)),
        case("snapshot cut", generate(2, 8), step("snapshot", cut=10, status="DATA_LOSS"), step("snapshot", cut=1, status="DATA_LOSS"), generate(3, 4)),
        case("snapshot damaged", generate(2, 8), step("snapshot", flip=-5, status="DATA_LOSS"), generate(3, 4)),
        case("snapshot of another model", generate(2, 8), step("snapshot", into="beams", status="FAILED_PRECONDITION", message="model")),
        case("snapshot files", step("save", path="{work}/no/such/folder/file", status="NOT_FOUND"), step("load", path="{work}/absent", status="NOT_FOUND"),
             step("load", path="{data}/base_f32.gguf", status="DATA_LOSS"), generate(2, 8), step("save", path="{out}/a.snapshot"), step("reset"),
             step("load", path="{out}/a.snapshot"), step("generate", ids=PROMPTS[2] + GREEDY[2][:8], max_tokens=8, ignore_eos=True, want_ids=GREEDY[2][8:16])),
    ]


def exchange():
    return [
        {"name": "greedy", "model": "main", "ids": PROMPTS[3], "max_tokens": 32, "ignore_eos": True, "save_after": 9, "want_ids": GREEDY[3][:32]},
        {"name": "sampled", "model": "main", **SAMPLED, "seed": 11, "save_after": 7},
        {"name": "stop string", "model": "main", "ids": PROMPTS[2], "max_tokens": 48, "ignore_eos": True, "stop_strings": [text(GREEDY[2][20:22])],
         "save_after": 6},
    ]


def main():
    cases = opening() + texts() + generating() + stopping() + snapshots()
    for one in cases:
        one.setdefault("session", {"kv_type": "F32"} if one["model"] != "slow" else {})
    models = {"main": "{data}/architectures/llama.gguf", "beams": "{data}/base_f32.gguf", "slow": "{data}/slow_q4_0.gguf"}
    lines = [json.dumps(one) for one in cases]
    (HERE / "cases.json").write_text('{\n"models": ' + json.dumps(models) + ',\n"cases": [\n' + ",\n".join(lines) + '\n],\n"exchange": [\n'
                                     + ",\n".join(json.dumps(one) for one in exchange()) + "\n]\n}\n")
    print(f"{len(cases)} cases")


main()
