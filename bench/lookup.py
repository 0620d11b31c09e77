#!/usr/bin/env python3
"""Decode rate with prompt lookup beside without: prompts that ask for an edit of a text, and plain ones, runs interleaved.

usage: bench/lookup.py [--gguf FILE | --safetensors DIR] [--infer PROGRAM] [--threads 2] [--tokens 160] [--draft 8] [--repeat 5] [--json FILE]
Rates are of tokens after the first, from the `done` line of rustml-infer --json. The answers must be the same tokens."""
import argparse, json, os, pathlib, statistics, subprocess, sys
import peers

HARBOUR = ('Alice walked to the old harbour in the morning. The boats were still tied up, and the fishermen drank coffee on the quay. Alice asked one of them '
           'whether the weather would hold, and he looked at the sky for a long time before he answered. In the evening Alice wrote down what he had said, closed '
           'her notebook, and put it on the shelf beside the others.')
CODE = '''def total(items):
    result = 0
    for item in items:
        if item is not None:
            result = result + item.price * item.count
    return result

def average(items):
    result = total(items)
    if len(items) == 0:
        return 0
    return result / len(items)
'''
LETTER = ('Dear Mr Brown,\nthank you for your order of the 3rd of May. The two lamps were sent on the 5th of May and should arrive within four days. The table is not in '
          'stock at the moment; we expect it on the 20th of May and will send it on the same day. If you would rather cancel this part of your order, please let us '
          'know before the 15th of May.\nYours sincerely,\nJane Miller')
LIST = '\n'.join(f'{i}. {name}, {city}, member since {year}' for i, (name, city, year) in enumerate(
    [('Anna Schmidt', 'Berlin', 2011), ('Louis Martin', 'Paris', 2013), ('Maria Rossi', 'Rome', 2014), ('Jan Novak', 'Prague', 2014), ('Eva Larsen', 'Oslo', 2017),
     ('Tom Walker', 'London', 2018)], 1))
CONFIG = '''{
  "name": "shop",
  "version": "1.4.2",
  "private": true,
  "scripts": {
    "start": "node server.js",
    "test": "node --test",
    "lint": "eslint src"
  },
  "dependencies": {
    "express": "4.18.2",
    "pg": "8.11.0"
  }
}
'''
EDITS = {
    'name': f'Repeat this paragraph exactly, but write Bob instead of Alice:\n\n{HARBOUR}',
    'letter': f'Copy this letter and change May to June:\n\n{LETTER}',
    'config': f'Change the version to 1.5.0 in this file and print the whole file:\n\n```json\n{CONFIG}```',
    'list': f'Copy this list and add a seventh line for Kim Lee from Seoul:\n\n{LIST}',
    # A model of 135M parameters writes other code instead.
    'code': f'Rename the variable result to answer and print the whole code again:\n\n```python\n{CODE}```',
}
PLAIN = {
    'story': 'Write a short story about a lighthouse keeper who finds a letter.',
    'explain': 'Explain how a bicycle stays upright.',
    'opinion': 'What makes a good teacher? Give your reasons.',
    'sampled': 'Describe a city under the sea.',
}


def answer(command):
    lines = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    done = lines[-1]
    ids = [line['id'] for line in lines if line['type'] == 'token']
    return (len(ids) - 1) / done['timings']['decode_seconds'], ids, done['usage']


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    peers.add_options(p)
    p.add_argument('--safetensors')
    p.add_argument('--tokens', type=int, default=160)
    p.add_argument('--draft', type=int, default=8)
    p.add_argument('--repeat', type=int, default=5)
    p.add_argument('--only', default='', help='names of prompts, separated by commas')
    a = p.parse_args()
    infer = peers.find_infer(a.infer)
    model = ['--safetensors', a.safetensors] if a.safetensors else ['--gguf', a.gguf]
    rows, ratios_of = {}, {'edit': [], 'plain': []}
    print(f'{os.path.basename(model[1])}, {a.threads} threads, drafts of up to {a.draft}, {a.repeat} interleaved runs\n')
    print('| prompt | tokens | off, tok/s | on, tok/s | on ÷ off | guesses accepted |\n| --- | --- | --- | --- | --- | --- |')
    for name, text in {**EDITS, **PLAIN}.items():
        if a.only and name not in a.only.split(','):
            continue
        base = [infer, *model, '--chat', '--prompt', text, '--max-tokens', str(a.tokens), '--threads', str(a.threads), '--seed', '1', '--json', '--quiet']
        if name == 'sampled':
            base += ['--temperature', '0.8', '--top-p', '0.95']
        commands = {'off': base, 'on': base + ['--prompt-lookup', str(a.draft)]}
        rates, all_ids = {'off': [], 'on': []}, set()
        for i in range(a.repeat):
            for which in (list(commands) if i % 2 == 0 else reversed(list(commands))):
                rate, ids, usage = answer(commands[which])
                rates[which].append(rate)
                all_ids.add(tuple(ids))
                if which == 'on':
                    used = usage
        if len(all_ids) != 1:
            sys.exit(f'lookup.py: {name}: answers differ')
        ratio = statistics.median(x / y for x, y in zip(rates['on'], rates['off']))
        ratios_of['edit' if name in EDITS else 'plain'].append(ratio)
        rows[name] = {'ratio': ratio, 'rates': rates, 'usage': used}
        print(f"| {name} | {len(ids)} | {peers.spread(rates['off'], 0)} | {peers.spread(rates['on'], 0)} | **{ratio:.2f}** | {used['accepted_tokens']} of {used['drafted_tokens']} |", flush=True)
    for kind, ratios in ratios_of.items():
        if ratios:
            print(f'\nmedian of {kind} prompts: {statistics.median(ratios):.2f}, least {min(ratios):.2f}')
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps({'machine': peers.machine(), 'model': model[1], 'draft': a.draft, 'prompts': rows}, indent=1) + '\n')


if __name__ == '__main__':
    try:
        main()
    except peers.Missing as problem:
        sys.exit(f'lookup.py: {problem}')
