"""OpenVINO GenAI as an engine of compare.py: LLMPipeline on the GGUF file, all at its defaults but the number of threads. Lines in and out as serve.cpp.

usage: ov_peer.py FILE THREADS
The pipeline keeps prefixes by itself, so prompts of different seeds are what makes it evaluate; first_s and token_s are its own perf metrics."""
import json, os, sys, time


def fixed_ids(n, vocab, seed):
    state, ids = seed, []
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        ids.append((state >> 33) % vocab)
    return ids


def main():
    path, threads = sys.argv[1], int(sys.argv[2])
    out = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # the library prints while it reads a file
    import numpy, openvino, openvino_genai as genai
    begin = time.perf_counter()
    pipeline = genai.LLMPipeline(path, 'CPU', INFERENCE_NUM_THREADS=threads)

    def run(ids, n):
        config = genai.GenerationConfig()
        config.max_new_tokens, config.ignore_eos, config.do_sample, config.apply_chat_template = n, True, False, False
        ids = numpy.array([ids], numpy.int64)
        return pipeline.generate(genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids))), config).perf_metrics.raw_metrics

    run(fixed_ids(8, 1000, 1), 2)  # warm-up
    print(json.dumps({'load_s': time.perf_counter() - begin, 'version': genai.__version__}), file=out, flush=True)
    for line in sys.stdin:
        seed, vocab, prefill, decode, _ = (int(word) for word in line.split())
        metrics = run(fixed_ids(prefill, vocab, seed), decode + 1)
        tokens = [us * 1e-6 for us in metrics.m_durations]
        if len(tokens) != decode:
            sys.exit(f'ov_peer.py: {len(tokens)} tokens instead of {decode}')
        print(json.dumps({'first_s': metrics.m_times_to_first_token[0] * 1e-6, 'token_s': tokens}), file=out, flush=True)


main()
