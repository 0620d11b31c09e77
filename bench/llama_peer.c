/* llama.cpp as the benchmarks' peer, through the headers and libraries of an installed llama-cpp-python, without Python's
 * own start-up and per-token cost. Built and run by compare.py and start.py (peers.py).
 *
 *   llama_peer run MODEL THREADS CONTEXT MAX_TOKENS TEXT    greedy answer; one JSON line per token, flushed; EOS ignored
 *   llama_peer serve MODEL THREADS CONTEXT                  an engine of compare.py; lines in and out as serve.cpp
 *
 * Everything is at llama.cpp's defaults (mmap, F16 KV, flash attention as it chooses); logits of the last token only. The
 * ids, the warm-up token and the windows of time are those of rustml-infer bench. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "llama.h"

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void stop_with(const char *what) {
  fprintf(stderr, "llama_peer: %s\n", what);
  exit(1);
}

static void no_log(enum ggml_log_level level, const char *text, void *user_data) { (void)level, (void)text, (void)user_data; }

static struct llama_model *load(const char *path) {
  struct llama_model_params params = llama_model_default_params();
  struct llama_model *model = llama_model_load_from_file(path, params);
  if (!model) stop_with("the model does not load");
  return model;
}

static struct llama_context *create(struct llama_model *model, uint32_t n_context, int32_t n_threads) {
  struct llama_context_params params = llama_context_default_params();
  params.n_ctx = n_context;
  params.n_threads = n_threads;
  params.n_threads_batch = n_threads;
  struct llama_context *context = llama_init_from_model(model, params);
  if (!context) stop_with("no context");
  return context;
}

/* Appends ids in batches of at most n_batch; only the last token's logits are computed. */
static void decode(struct llama_context *context, llama_token *ids, int32_t n) {
  const int32_t step = (int32_t)llama_n_batch(context);
  for (int32_t i = 0; i < n; i += step) {
    if (llama_decode(context, llama_batch_get_one(ids + i, n - i < step ? n - i : step)) != 0) stop_with("llama_decode fails");
  }
}

static llama_token best(struct llama_context *context, int32_t n_vocab) {
  const float *logits = llama_get_logits_ith(context, -1);
  llama_token id = 0;
  for (int32_t i = 1; i < n_vocab; ++i) {
    if (logits[i] > logits[id]) id = i;
  }
  return id;
}

static int run(char **arguments) {
  struct llama_model *model = load(arguments[0]);
  const struct llama_vocab *vocab = llama_model_get_vocab(model);
  struct llama_context *context = create(model, (uint32_t)atoi(arguments[2]), atoi(arguments[1]));
  static llama_token ids[8192];
  int32_t n = llama_tokenize(vocab, arguments[4], (int32_t)strlen(arguments[4]), ids, 8192, true, false);
  if (n <= 0) stop_with("the prompt does not encode to 1 to 8192 tokens");
  for (int i = 0, end = atoi(arguments[3]); i < end; ++i) {
    decode(context, ids, n);
    ids[0] = best(context, llama_vocab_n_tokens(vocab));
    n = 1;
    char text[256];
    const int32_t length = llama_token_to_piece(vocab, ids[0], text, sizeof text, 0, true);
    printf("{\"type\":\"token\",\"id\":%d,\"hex\":\"", ids[0]);
    for (int32_t j = 0; j < length; ++j) printf("%02x", (unsigned char)text[j]);
    puts("\"}");
    fflush(stdout);
  }
  llama_free(context);
  llama_model_free(model);
  return 0;
}

static int serve(char **arguments) {
  const double begin = now_seconds();
  struct llama_model *model = load(arguments[0]);
  struct llama_context *context = create(model, (uint32_t)atoi(arguments[2]), atoi(arguments[1]));
  const int32_t n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
  enum { MOST = 1 << 17 };
  llama_token *ids = malloc(MOST * sizeof *ids), id = 0;
  if (!ids) stop_with("out of memory");
  decode(context, &id, 1); /* warm-up, as the library does at load */
  printf("{\"load_s\":%.4f,\"vocab\":%d}\n", now_seconds() - begin, n_vocab);
  fflush(stdout);
  unsigned long long seed, vocab, prefill, n_decode, keep;
  while (scanf("%llu %llu %llu %llu %llu", &seed, &vocab, &prefill, &n_decode, &keep) == 5) {
    if (prefill < 1 || prefill > MOST) stop_with("PREFILL is 1 to 131072");
    uint64_t state = seed;
    for (unsigned long long i = 0; i < prefill; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      ids[i] = (llama_token)((state >> 33) % vocab);
    }
    const double start = now_seconds();
    if (keep) { /* all but the last token of the prompt is there */
      llama_memory_seq_rm(llama_get_memory(context), -1, (llama_pos)prefill - 1, -1);
      decode(context, ids + prefill - 1, 1);
    } else {
      llama_memory_clear(llama_get_memory(context), true);
      decode(context, ids, (int32_t)prefill);
    }
    id = best(context, n_vocab);
    double last = now_seconds();
    printf("{\"first_s\":%.6f,\"token_s\":[", last - start);
    for (unsigned long long i = 0; i < n_decode; ++i) {
      decode(context, &id, 1);
      id = best(context, n_vocab);
      const double now = now_seconds();
      printf("%s%.7f", i ? "," : "", now - last);
      last = now;
    }
    puts("]}");
    fflush(stdout);
  }
  llama_free(context);
  llama_model_free(model);
  free(ids);
  return 0;
}

int main(int argc, char **argv) {
  llama_log_set(no_log, NULL);
  llama_backend_init();
  if (argc == 7 && strcmp(argv[1], "run") == 0) return run(argv + 2);
  if (argc == 5 && strcmp(argv[1], "serve") == 0) return serve(argv + 2);
  stop_with("usage: llama_peer run MODEL THREADS CONTEXT MAX_TOKENS TEXT | serve MODEL THREADS CONTEXT");
}
