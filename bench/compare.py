#!/usr/bin/env python3
"""Prefill, decode and memory of librustml, llama.cpp and OpenVINO GenAI: same file, ids and threads, in one interleaved run.

usage: bench/compare.py [--gguf FILE]... [--rounds 5] [--threads 2] [--prefill 128 512] [--decode 64] [--out DIR] [--install] [--seconds N]
       bench/compare.py --decode-context 4096 ...    decode alone, at the end of so long a context
All engines of a model are open at once and take turns: in every round each is asked the same, in an order that rotates. Rates are medians of the rounds, ratios
medians of the rounds' ratios. Results are added to OUT/compare.json, and the table of all is printed and written to OUT/compare.md; --seconds ends a call
early, and the same call again goes on. An engine that cannot open a file is in the table with what it said."""
import argparse, json, os, pathlib, queue, subprocess, sys, tempfile, threading, time
import peers

ENGINES = ('librustml', 'llama.cpp', 'OpenVINO')
READING = 'reading'  # the bare read loop takes its turns too: the limit of decoding


class Engine:
    """A process that replies to lines with JSON lines (serve.cpp says which)."""

    def __init__(self, command):
        self.errors = tempfile.TemporaryFile('w+')
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, bufsize=1)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def answer(self, seconds):
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise peers.Missing(f'no answer within {seconds} s')
        if line is None:
            self.child.wait()
            self.errors.seek(0)
            said = [l.strip() for l in self.errors.read().splitlines() if l.strip()]
            raise peers.Missing((said[-1] if said else f'ended with {self.child.returncode}')[-200:])
        return json.loads(line)

    def ask(self, seed, vocab, prefill, decode, keep=0):
        self.child.stdin.write(f'{seed} {vocab} {prefill} {decode} {keep}\n')
        return self.answer(90)

    def peak(self):
        lines = pathlib.Path(f'/proc/{self.child.pid}/status').read_text().splitlines()
        return next(int(l.split()[1]) * 1024 for l in lines if l.startswith('VmHWM'))

    def close(self):
        self.child.kill()
        self.child.wait()


def package(venv, name):
    found = list(venv.glob(f'lib/python3*/site-packages/{name}-*.dist-info'))
    return found[0].name.removesuffix('.dist-info').split('-')[1] if found else 'none'


def commands(a, model, gguf, context):
    for name in [*a.engines, READING]:
        if name == READING:
            yield name, [peers.find_program('rustml_bench_serve', a.serve), '--read', str(int(model['bytes_per_token'])), '--threads', str(a.threads)]
        elif name == 'librustml':
            yield name, [peers.find_program('rustml_bench_serve', a.serve), '--gguf', gguf, '--threads', str(a.threads), '--context', str(context)]
        elif name == 'llama.cpp':
            yield name, [peers.build_peer(a.venv), 'serve', gguf, str(a.threads), str(context)]
        else:
            yield name, [str(a.ov_venv / 'bin' / 'python'), str(peers.HERE / 'ov_peer.py'), gguf, str(a.threads)]


def open_engines(a, model, gguf, context):
    engines = {}
    for name, command in commands(a, model, gguf, context):
        record = model['engines'].setdefault(name, {})
        try:
            if not os.path.exists(command[0]):
                raise peers.Missing(f'{command[0]} is not there: run with --install')
            engines[name] = Engine(command)
            ready = engines[name].answer(90)
            record.setdefault('load_s', []).append(ready['load_s'])
            record.pop('error', None)
            if name == 'librustml':
                model.update({k: ready[k] for k in ('weight_bytes', 'vocab', 'context_length')})
        except peers.Missing as problem:
            record['error'] = str(problem)
            print(f'{name} on {os.path.basename(gguf)}: {problem}', file=sys.stderr)
            if name in engines:
                engines.pop(name).close()
    return engines


def measure(a, model, gguf, end, save):
    deep = a.decode_context
    context = (deep if deep else max(a.prefill)) + a.decode + 1
    rounds = model.setdefault(f'context {deep}' if deep else 'rounds', [])
    if len(rounds) >= a.rounds:
        return
    engines = open_engines(a, model, gguf, context)
    try:
        if context > model['context_length'] and deep:
            print(f"{os.path.basename(gguf)}: its context is {model['context_length']}, left out", file=sys.stderr)
            return
        for engine in engines.values():  # so that all caches and memory are there
            engine.ask(1, model['vocab'], deep - a.decode if deep else max(a.prefill), 4)
        longest = 0
        while len(rounds) < a.rounds and time.monotonic() + longest < end:
            others, began, i = peers.OtherLoad(), time.monotonic(), len(rounds)
            seed = 1 if deep else 1000 + i
            tasks = [(deep - a.decode, a.decode, 1)] if deep else [(n, a.decode if n == a.prefill[0] else 1, 0) for n in a.prefill]
            names = list(engines)
            names = names[i % len(names):] + names[:i % len(names)]
            results = {name: {} for name in names}
            for prefill, decode, keep in tasks:
                for name in names if decode > 1 else [n for n in names if n != READING]:
                    results[name][str(prefill)] = engines[name].ask(seed + 7919 * prefill * (1 - keep), model['vocab'], prefill, decode, keep)
            rounds.append(results)
            model.setdefault('others', []).append(others.processors())
            for name in names:
                model['engines'][name]['peak_bytes'] = max(engines[name].peak(), model['engines'][name].get('peak_bytes', 0))
            save()
            longest = max(longest, time.monotonic() - began)
            print(f'{os.path.basename(gguf)}: round {len(rounds)} of {a.rounds}, {time.monotonic() - began:.1f} s, others kept {model["others"][-1]:.2f} processors busy', file=sys.stderr)
    finally:
        for engine in engines.values():
            engine.close()


def bytes_per_token(a, gguf):
    """What a token of the middle of the answer reads."""
    r = peers.run_json([peers.find_infer(a.infer), 'profile', '--gguf', gguf, '--prefill', str(a.prefill[0]), '--decode', str(a.decode), '--threads', str(a.threads), '--json'])
    return r['decode']['bytes'] / r['decode']['passes']


def figures(model):
    """name, {engine: value of each round} for the table and the plots."""
    for key in sorted((k for k in model if k == 'rounds' or k.startswith('context ')), reverse=True):
        rounds = model[key]
        if not rounds:
            continue
        prompts = list(next(iter(rounds[0].values())))
        engines = [e for e in ENGINES if all(e in r for r in rounds)]
        if key != 'rounds':
            yield f'decode at {key.split()[1]}', {e: [len(r[e][prompts[0]]['token_s']) / sum(r[e][prompts[0]]['token_s']) for r in rounds] for e in engines}
            continue
        for n in prompts:
            yield f'prefill {n}', {e: [int(n) / r[e][n]['first_s'] for r in rounds] for e in engines}
        count = len(rounds[0][engines[0]][prompts[0]]['token_s'])
        yield f'decode {count}', {e: [count / sum(r[e][prompts[0]]['token_s']) for r in rounds] for e in engines}


def against_reading(model):
    """{engine: of each round, the bare read loop's median pass ÷ the engine's mean token}"""
    eta = {}
    for r in model.get('rounds', []):
        prompt = next(iter(next(iter(r.values()))))
        for engine in (e for e in ENGINES if e in r and READING in r):
            tokens = r[engine][prompt]['token_s']
            eta.setdefault(engine, []).append(peers.median(r[READING][prompt]['token_s']) * len(tokens) / sum(tokens))
    return eta


def read_gb_s(model):
    passes = [t for r in model.get('rounds', []) if READING in r for t in next(iter(r[READING].values()))['token_s']]
    return model['bytes_per_token'] / peers.median(passes) * 1e-9 if passes else 0


def ratio(values, engine):
    ours, theirs = values.get('librustml'), values.get(engine)
    if not ours or not theirs:
        return '–'
    ratios = [x / y for x, y in zip(ours, theirs)]
    return f'**{peers.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})'


def table(results):
    lines = ['| model | figure | librustml | llama.cpp | OpenVINO GenAI | ÷ llama.cpp | ÷ OpenVINO |', '| --- | --- | --- | --- | --- | --- | --- |']
    for name, model in results['models'].items():
        cell = lambda e, text: text if text else ('refused' if 'error' in model['engines'].get(e, {}) else '–')
        for figure, values in figures(model):
            lines.append(f'| {name} | {figure}, tok/s | ' + ' | '.join(cell(e, peers.spread(values[e]) if e in values else '') for e in ENGINES)
                         + f" | {ratio(values, 'llama.cpp')} | {ratio(values, 'OpenVINO')} |")
        for key, unit, scale, digits in (('load_s', 'load, s', 1, 2), ('peak_bytes', 'peak memory, MB', 1e-6, 0)):
            of = lambda e: model['engines'].get(e, {}).get(key)
            value = lambda e: peers.median(of(e)) if isinstance(of(e), list) else of(e)
            lines.append(f'| {name} | {unit} | ' + ' | '.join(f'{scale * value(e):.{digits}f}' if of(e) else cell(e, '') for e in ENGINES) + ' | '
                         + ' | '.join(f"{value('librustml') / value(e):.2f}" if of(e) and of('librustml') else '–' for e in ENGINES[1:]) + ' |')
        eta = against_reading(model)
        if eta:
            lines.append(f"| {name} | time to read {model['bytes_per_token'] / 1e6:.1f} MB ÷ time per token | " + ' | '.join(peers.spread(eta[e], 2) if e in eta else '–' for e in ENGINES) + ' | | |')
    errors = [f"* {e} on {name}: {m['engines'][e]['error']}" for name, m in results['models'].items() for e in m['engines'] if 'error' in m['engines'][e]]
    counts = sorted({len(m[k]) for m in results['models'].values() for k in m if k == 'rounds' or k.startswith('context ')})
    busy = [x for m in results['models'].values() for x in m.get('others', [])]
    head = (f"{results['threads']} threads; medians (least–most) of {'/'.join(map(str, counts))} interleaved rounds, in which others kept {min(busy, default=0):.2f}–{max(busy, default=0):.2f} processors busy. {peers.describe(results['runs'])}. "
            + ', '.join(f'{k} {v}' for k, v in results['versions'].items()) + '.')
    return '\n'.join([head, '', *lines, *([''] + errors if errors else [])]) + '\n'


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument('--gguf', action='append', help='a model; may be given several times (default: the demo\'s SmolLM2)')
    p.add_argument('--infer', help='rustml-infer (default: of build/release)')
    p.add_argument('--serve', help='rustml_bench_serve (default: of build/release)')
    p.add_argument('--engines', nargs='+', choices=ENGINES, default=list(ENGINES))
    p.add_argument('--venv', type=pathlib.Path, default=peers.CACHE / 'bench-venv', help='environment that has llama-cpp-python')
    p.add_argument('--ov-venv', type=pathlib.Path, default=peers.CACHE / 'bench-ov-venv', help='environment that has openvino-genai and matplotlib')
    p.add_argument('--install', action='store_true', help='make both environments (minutes, network)')
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--prefill', type=int, nargs='+', default=[128, 512], help='prompt lengths; decode follows the first')
    p.add_argument('--decode', type=int, default=64)
    p.add_argument('--decode-context', type=int, default=0, help='measure decode alone, the last tokens of a context of this length')
    p.add_argument('--seconds', type=float, default=1e9, help='begin no round that would end later')
    p.add_argument('--out', type=pathlib.Path, default=pathlib.Path('bench-results'))
    a = p.parse_args()
    end = time.monotonic() + a.seconds
    if a.install:
        peers.install(a.venv)
        peers.install_openvino(a.ov_venv)
    path = a.out / 'compare.json'
    results = peers.load_results(path, {'threads': a.threads, 'runs': [], 'models': {}})
    if results['threads'] != a.threads:
        raise peers.Missing(f"{path} was measured with {results['threads']} threads; give another --out")
    results['versions'] = {'llama-cpp-python': package(a.venv, 'llama_cpp_python'), 'openvino-genai': package(a.ov_venv, 'openvino_genai')}
    results['runs'].append(peers.run_record())
    peers.warn_if_busy(results['runs'][-1]['machine'])
    save = lambda: peers.save_results(path, results)
    for gguf in a.gguf or [peers.SMOLLM2]:
        gguf = os.path.realpath(gguf)
        if not os.path.isfile(gguf):
            raise peers.Missing(f'no model at {gguf}')
        model = results['models'].setdefault(os.path.basename(gguf).removesuffix('.gguf'), {'file_bytes': os.path.getsize(gguf), 'engines': {}})
        if time.monotonic() < end:
            if 'bytes_per_token' not in model:
                model['bytes_per_token'] = bytes_per_token(a, gguf)
            measure(a, model, gguf, end, save)
    save()
    text = table(results)
    (a.out / 'compare.md').write_text(text)
    print(text)


if __name__ == '__main__':
    try:
        main()
    except peers.Missing as problem:
        sys.exit(f'compare.py: {problem}')
