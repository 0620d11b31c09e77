#!/usr/bin/env python3
"""Makes data/beams.json: what transformers' beam search finds on the tiny float32 models.

usage: python tests/golden/make_beams.py      (same packages as make.py, whose seeded weights and prompts it uses)
Each case is searched in float32 and in float64; only cases where both find the same hypotheses, with scores further than 1e-4
apart, are kept, so that rounding decides nothing. Stop tokens are drawn from likely continuations, so that hypotheses end in
every way. Besides cases drawn at random there are pairs that differ only
in early_stopping (0 and 1, 0 and 2) and whose results differ. Width 1, for which generate() would choose greedy search, goes through the same beam search.

A case: model; prompt, the index in the model's JSON file; width, n_best, length_penalty, early_stopping (0 False, 1 True,
2 "never"), max_tokens, stop_ids; hypotheses, best first: ids without the stop token, stop_id (-1: ended by length), score."""
import json, pathlib, random, zlib
import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import GenerationMode
import make

MODELS, CASES, PAIRS, GAP = ('base_f32', 'odd_f32'), 24, 4, 1e-4
EARLY = (False, True, 'never')
GenerationConfig.get_generation_mode = lambda self, assistant_model=None: GenerationMode.BEAM_SEARCH


def search(model, prompt, case):
    ids = torch.tensor([prompt])
    config = GenerationConfig(
        num_beams=case['width'], num_return_sequences=case['n_best'], length_penalty=case['length_penalty'], early_stopping=EARLY[case['early_stopping']],
        max_new_tokens=case['max_tokens'], eos_token_id=case['stop_ids'] or None, pad_token_id=0, do_sample=False, return_dict_in_generate=True, output_scores=True)
    model.generation_config = GenerationConfig()
    with torch.no_grad():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    found = []
    for sequence, score in zip(out.sequences.tolist(), out.sequences_scores.tolist()):
        answer = sequence[len(prompt):]
        end = next((i for i, t in enumerate(answer) if t in case['stop_ids']), None)
        found.append({'ids': answer[:end], 'stop_id': -1 if end is None else answer[end], 'score': round(score, 6)})
        assert end is not None or len(answer) == case['max_tokens']
    return found


def draw(rng, model, prompts, name):
    index = rng.randrange(len(prompts))
    width = rng.randint(1, 8)
    with torch.no_grad():  # likely tokens of the first steps
        ids, likely = list(prompts[index]), []
        for _ in range(6):
            best = torch.topk(model(torch.tensor([ids])).logits[0, -1], 12).indices.tolist()
            likely += best
            ids.append(best[rng.randrange(3)])
    n_stops = rng.choice((0, 1, 2, 4, 8, 16))
    return {'model': name, 'prompt': index, 'width': width, 'n_best': rng.randint(1, width), 'length_penalty': rng.choice((0.5, 1.0, 1.5, 2.0, 0.0, -1.0)),
            'early_stopping': rng.randrange(3), 'max_tokens': rng.choice((1, 5, 12, 24)), 'stop_ids': rng.sample(sorted(set(likely)), n_stops)}


def settled(single, double, prompts, case):
    """The case with its hypotheses, or None where rounding decides."""
    found, exact = (search(model, prompts[case['prompt']], case) for model in (single, double))
    scores = [h['score'] for h in exact]
    if [(h['ids'], h['stop_id']) for h in found] != [(h['ids'], h['stop_id']) for h in exact] or any(a - b < GAP for a, b in zip(scores, scores[1:])):
        return None
    return case | {'hypotheses': exact}


def main():
    cases = []
    for name in MODELS:
        shape = make.SHAPES[make.FILES[name][0]]
        single, double = (make.transformer(shape, make.random_weights(make.FILES[name][0], shape)) for _ in range(2))
        double.double()
        prompts = [p['ids'] for p in json.loads((make.HERE / 'data' / f'{name}.json').read_text())['prompts'] if len(p['ids']) < 100]
        rng = random.Random(zlib.crc32(name.encode()))
        kept = []
        while len(kept) < CASES:
            kept += filter(None, [settled(single, double, prompts, draw(rng, single, prompts, name))])
        for other in (1, 2):
            n = 0
            while n < PAIRS:
                case = draw(rng, single, prompts, name)
                case |= {'max_tokens': 24, 'length_penalty': rng.choice((0.5, 1.0, 1.5, 2.0)), 'n_best': case['width']}
                pair = [case | {'early_stopping': 0}, case | {'early_stopping': other}]
                if len(case['stop_ids']) < 2 or search(single, prompts[case['prompt']], pair[0]) == search(single, prompts[case['prompt']], pair[1]):
                    continue
                pair = [settled(single, double, prompts, c) for c in pair]
                if all(pair):
                    kept += pair
                    n += 1
        cases += kept
        ends = [h['stop_id'] >= 0 for c in cases for h in c['hypotheses']]
        print(f'{name}: {len(kept)} cases; so far {sum(ends)} hypotheses end by a stop token, {len(ends) - sum(ends)} by length')
    lines = ',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases)
    (make.HERE / 'data' / 'beams.json').write_text('{"cases":[\n' + lines + '\n]}\n')


main()
