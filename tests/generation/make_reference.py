#!/usr/bin/env python3
"""Writes sampler_reference.txt: what transformers' logits processors leave of small random logits.

Run with torch and transformers (5.x) installed; the file is committed, so tests need neither. Each case chains, in
librustml's order, SequenceBias, RepetitionPenalty, Temperature, TopK, Typical, TopP and MinP. Cases are redrawn until no cut
lies within 1e-4 of its boundary and every survivor, and every token just cut off, has at least 0.4 % of the probability, so
that float32 rounding decides nothing and a few thousand draws see every survivor.

Line 1: number of cases. A case is five lines:
  temperature top_k top_p min_p typical_p repetition_penalty
  n  id bias ...                      logit bias
  n  id ...                           tokens so far
  n  logit ...                        multiples of 1/64, so that the decimals are exact
  n  id probability ...               survivors, by id
"""
import math
import pathlib
import random

import torch
from transformers import (LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor,
                          SequenceBiasLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper,
                          TypicalLogitsWarper)

SMALLEST = 0.004
MARGIN = 1e-4


def softmax(scores):
    largest = max(scores.values())
    weights = {i: math.exp(s - largest) for i, s in scores.items()}
    total = sum(weights.values())
    return {i: w / total for i, w in weights.items()}


def cut_is_clear(order, probabilities, share):
    """No cumulative mass is near the share, and both sides of the cut weigh enough to be seen."""
    before = 0.0
    for i in order:
        if abs(before - share) < MARGIN:
            return False
        if before >= share:
            return probabilities[i] >= SMALLEST
        before += probabilities[i]
    return abs(before - share) >= MARGIN


def clear_of_boundaries(case, adjusted):
    """Walks the filters in float64 and refuses what float32 could decide otherwise."""
    scores = {i: s for i, s in enumerate(adjusted) if s > -math.inf}
    if 0 < case["top_k"] < len(scores):
        order = sorted(scores, key=lambda i: (-scores[i], i))
        if scores[order[case["top_k"] - 1]] == scores[order[case["top_k"]]]:
            return False  # transformers keeps all of a tie, librustml the lowest ids
        scores = {i: scores[i] for i in order[:case["top_k"]]}
    if case["typical_p"] < 1:
        p = softmax(scores)
        entropy = -sum(q * math.log(q) for q in p.values())
        distance = {i: abs(-math.log(p[i]) - entropy) for i in scores}
        order = sorted(scores, key=lambda i: distance[i])
        if any(distance[b] - distance[a] < MARGIN for a, b in zip(order, order[1:])):
            return False
        if not cut_is_clear(order, p, case["typical_p"]):
            return False
        before, kept = 0.0, {}
        for i in order:
            if before >= case["typical_p"]:
                break
            kept[i] = scores[i]
            before += p[i]
        scores = kept
    if case["top_p"] < 1:
        p = softmax(scores)
        order = sorted(scores, key=lambda i: (-scores[i], i))
        if not cut_is_clear(order, p, case["top_p"]):
            return False
        before, kept = 0.0, {}
        for i in order:
            if before >= case["top_p"]:
                break
            kept[i] = scores[i]
            before += p[i]
        ends = order[len(kept) - 1:len(kept) + 1]
        if len(ends) == 2 and scores[ends[0]] == scores[ends[1]]:
            return False  # which of equal tokens stays is librustml's own rule: the lower id
        scores = kept
    if case["min_p"] > 0:
        p = softmax(scores)
        largest = max(p.values())
        if any(abs(q / largest - case["min_p"]) < MARGIN for q in p.values()):
            return False
    return True


def draw_case(rng, shape):
    n = rng.choice([5, 17, 24, 40])
    spread = {"flat": 0.15, "normal": 1.5, "peaked": 3.0, "ties": 1.0}[shape]
    step = 2 if shape == "ties" else 64
    logits = [round(rng.gauss(0, spread) * step) / step for _ in range(n)]
    on = lambda: rng.random() < 0.45
    return {
        "temperature": rng.choice([0.5, 0.75, 1.0, 1.5]),
        "top_k": rng.randrange(1, n) if on() else 0,
        "top_p": rng.choice([0.05, 0.3, 0.6, 0.8, 0.9, 0.95]) if on() else 1.0,
        "min_p": rng.choice([0.05, 0.2, 0.5, 1.0]) if on() else 0.0,
        "typical_p": rng.choice([0.2, 0.5, 0.8, 0.95]) if on() else 1.0,
        "repetition_penalty": rng.choice([0.75, 1.25, 2.0]) if on() else 1.0,
        "bias": {i: rng.choice([-2.0, 1.0, 3.5, -math.inf]) for i in rng.sample(range(n), 3)} if on() else {},
        "tokens": [rng.randrange(n) for _ in range(rng.randrange(1, 12))],
        "logits": logits,
    }


def survivors(case):
    processors = LogitsProcessorList()
    if case["bias"]:
        processors.append(SequenceBiasLogitsProcessor([[[i], b] for i, b in case["bias"].items()]))
    if case["repetition_penalty"] != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    processors.append(TemperatureLogitsWarper(case["temperature"]))
    tokens, scores = torch.tensor([case["tokens"]]), torch.tensor([case["logits"]], dtype=torch.float32)
    adjusted = processors(tokens, scores)
    filters = LogitsProcessorList()
    if case["top_k"]:
        filters.append(TopKLogitsWarper(case["top_k"]))
    if case["typical_p"] < 1:
        filters.append(TypicalLogitsWarper(case["typical_p"]))
    if case["top_p"] < 1:
        filters.append(TopPLogitsWarper(case["top_p"]))
    if case["min_p"] > 0:
        filters.append(MinPLogitsWarper(case["min_p"]))
    left = filters(tokens, adjusted.clone())[0].double()
    probabilities = torch.softmax(left, 0)
    if not clear_of_boundaries(case, adjusted[0].double().tolist()):
        return None
    kept = [(i, p) for i, p in enumerate(probabilities.tolist()) if p > 0]
    return kept if min(p for _, p in kept) >= SMALLEST else None


def main():
    rng = random.Random(20240607)
    lines, n = [], 0
    while n < 200:
        case = draw_case(rng, rng.choice(["flat", "normal", "peaked", "ties"]))
        kept = survivors(case)
        if kept is None:
            continue
        n += 1
        names = ["temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty"]
        lines.append(" ".join(str(case[name]) for name in names))
        lines.append(" ".join([str(len(case["bias"]))] + [f"{i} {b}" for i, b in case["bias"].items()]))
        lines.append(" ".join(map(str, [len(case["tokens"])] + case["tokens"])))
        lines.append(" ".join(map(str, [len(case["logits"])] + case["logits"])))
        lines.append(" ".join([str(len(kept))] + [f"{i} {p:.9g}" for i, p in kept]))
    target = pathlib.Path(__file__).with_name("sampler_reference.txt")
    target.write_text(f"{n}\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
