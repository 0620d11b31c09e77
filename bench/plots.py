#!/usr/bin/env python3
"""Pictures of what compare.py and generate.py measured. Needs matplotlib (compare.py --install puts it beside openvino-genai).

usage: bench/plots.py [DIR]        reads DIR/compare.json and DIR/generate.json, writes DIR/*.png
rates.png: tokens per second by model and engine; roofline.png: bytes read per token against decode rate, with what the memory would allow;
latency.png: distribution of the time per token; context.png: decode rate against context."""
import json, pathlib, sys
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import compare, peers

COLOURS = dict(zip(compare.ENGINES, ('#0b6', '#36c', '#c63')))


def picture(path, draw, *arguments, **size):
    figure, axes = plt.subplots(**size)
    if draw(axes, *arguments):
        figure.tight_layout()
        figure.savefig(path, dpi=120)
        print(path)
    plt.close(figure)


def rates(axes, models):
    groups = list(dict.fromkeys(f for m in models.values() for f, _ in compare.figures(m)))
    for ax, group in zip(axes.flat, groups):
        for e, engine in enumerate(compare.ENGINES):
            for i, model in enumerate(models.values()):
                values = dict(compare.figures(model)).get(group, {}).get(engine)
                if values:
                    middle = peers.median(values)
                    ax.bar(i + 0.27 * (e - 1), middle, 0.25, color=COLOURS[engine], yerr=[[middle - min(values)], [max(values) - middle]], ecolor='#444', capsize=2,
                           label=engine if i == 0 else None)
        ax.set_title(group + ', tok/s', fontsize=9)
        ax.set_xticks(range(len(models)), [m.replace('-', '-\n', 1) for m in models], fontsize=7)
    for ax in axes.flat[len(groups):]:
        ax.set_axis_off()
    axes.flat[0].legend(fontsize=7)
    return groups


def roofline(ax, models):
    drawn = False
    for i, (name, model) in enumerate((n, m) for n, m in models.items() if compare.read_gb_s(m)):
        mb, bandwidth = model['bytes_per_token'] / 1e6, compare.read_gb_s(model)
        span = [mb / 2, mb * 2]
        ax.plot(span, [bandwidth * 1e3 / x for x in span], color='#999', lw=1, label='bare read loop of the same bytes' if i == 0 else None)
        ax.annotate(f'{name}\n{bandwidth:.0f} GB/s', (mb, bandwidth * 1e3 / mb), fontsize=7, xytext=(4, 6), textcoords='offset points')
        for figure, values in compare.figures(model):
            if figure.startswith('decode') and 'at' not in figure:
                for engine, v in values.items():
                    ax.plot(mb, peers.median(v), 'o', color=COLOURS[engine], label=None if drawn else engine)
                drawn = True
    ax.set(xscale='log', yscale='log', xlabel='bytes read per token, MB (librustml\'s)', ylabel='decode, tok/s')
    ax.legend(fontsize=7)
    return drawn


def latency(axes, models):
    for ax, (name, model) in zip(axes.flat, models.items()):
        right = 0  # the 99th percentile of the slowest engine; what is longer is left out
        for engine in compare.ENGINES:
            ms = sorted(1e3 * t for r in model.get('rounds', []) if engine in r for t in next(iter(r[engine].values()))['token_s'])
            if ms:
                ax.plot(ms, [(i + 1) / len(ms) for i in range(len(ms))], color=COLOURS[engine], label=engine)
                right = max(right, ms[int(0.99 * len(ms))])
        ax.set(title=name, xlabel='ms per token')
        if right:
            ax.set_xlim(0, 1.1 * right)
        ax.title.set_fontsize(9)
        ax.grid(alpha=0.3)
    axes.flat[0].set_ylabel('part of tokens at most so long')
    axes.flat[0].legend(fontsize=7, loc='lower right')
    return models


def context(ax, models, generated):
    drawn = False
    for i, (name, points) in enumerate(generated.items()):
        for threads in sorted({r['threads'] for r in points.values()}):
            line = sorted((r['context'], r['decode_tok_s']) for r in points.values() if r['threads'] == threads)
            ax.plot(*zip(*line), marker='.', color=f'C{i}', ls='-' if threads > 1 else ':', label=f'{name}, {threads} threads')
            drawn = True
    for name, model in models.items():
        for figure, values in compare.figures(model):
            if figure.startswith('decode at'):
                for engine, v in values.items():
                    ax.plot(int(figure.split()[-1]), peers.median(v), '^', color=COLOURS[engine])
                    ax.annotate(f'{engine}\n{name}', (int(figure.split()[-1]), peers.median(v)), fontsize=6)
                    drawn = True
    ax.set(xscale='log', yscale='log', xlabel='context, tokens', ylabel='decode, tok/s')
    ax.grid(alpha=0.3)
    if generated:
        ax.legend(fontsize=7)
    return drawn


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'bench-results')
    models = peers.load_results(out / 'compare.json', {'models': {}})['models']
    generated = peers.load_results(out / 'generate.json', {'models': {}})['models']
    n = max(1, len(models))
    if models:
        picture(out / 'rates.png', rates, models, nrows=2, ncols=2, figsize=(9, 6))
        picture(out / 'roofline.png', roofline, models, figsize=(6, 4.5))
        picture(out / 'latency.png', latency, models, ncols=n, figsize=(4 * n, 3.5), squeeze=False)
    picture(out / 'context.png', context, models, generated, figsize=(6, 4.5))


if __name__ == '__main__':
    main()
