/* Sessions: eval, tokens, logits, rewind, fork, reset, limits, and who keeps whom alive. */
#include "check.h"

static const int32_t kIds[6] = {10, 20, 30, 40, 50, 60};

static int same_logits(rustml_session *a, rustml_session *b, uint64_t n) {
  float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
  uint64_t needed = 0;
  int same;
  CHECK_OK(rustml_session_logits(a, x, n, &needed, NULL, &error));
  CHECK(needed == n);
  CHECK_OK(rustml_session_logits(b, y, n, &needed, NULL, &error));
  same = memcmp(x, y, n * sizeof *x) == 0;
  free(x);
  free(y);
  return same;
}

static void contents(rustml_model *model, uint64_t vocabulary) {
  rustml_session *session = new_session(model), *other = new_session(model), *fork = NULL;
  int32_t ids[8];
  float one;
  uint64_t needed = 0;
  const int32_t wrong[3] = {-1, (int32_t)vocabulary, INT32_MAX};
  int i;
  CHECK(session_info(session).position == 0 && session_info(session).capacity > 6 && session_info(session).kv_type == RUSTML_KV_F16);
  CHECK_STATUS(rustml_session_logits(session, NULL, 0, &needed, NULL, &error), RUSTML_FAILED_PRECONDITION);
  CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error));
  CHECK_OK(rustml_session_tokens(session, ids, 8, &needed, &error));
  CHECK(needed == 6 && memcmp(ids, kIds, sizeof kIds) == 0);
  CHECK_STATUS(rustml_session_tokens(session, ids, 5, &needed, &error), RUSTML_BUFFER_TOO_SMALL);
  CHECK_STATUS(rustml_session_logits(session, &one, 1, &needed, NULL, &error), RUSTML_BUFFER_TOO_SMALL);
  CHECK(needed == vocabulary);
  for (i = 0; i < 3; ++i) CHECK_STATUS(rustml_session_eval(session, &wrong[i], 1, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_eval(session, NULL, 3, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_eval(session, kIds, UINT64_C(1) << 63, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK(session_info(session).position == 6);
  CHECK(session_info(session).kv_bytes_used > 0 && session_info(session).kv_bytes_used <= session_info(session).kv_bytes_reserved);

  /* In two calls, after a rewind, and in a fork: the same bits. */
  CHECK_OK(rustml_session_eval(other, kIds, 2, NULL, &error));
  CHECK_OK(rustml_session_eval(other, kIds + 2, 4, NULL, &error));
  CHECK(same_logits(session, other, vocabulary));
  CHECK_OK(rustml_session_rewind(other, 3, &error));
  CHECK(session_info(other).position == 3);
  CHECK_STATUS(rustml_session_rewind(other, 4, &error), RUSTML_OUT_OF_RANGE);
  CHECK_OK(rustml_session_eval(other, kIds + 3, 3, NULL, &error));
  CHECK(same_logits(session, other, vocabulary));
  CHECK_OK(rustml_session_fork(session, &fork, NULL, &error));
  CHECK_OK(rustml_session_reset(session, &error));
  CHECK(session_info(session).position == 0 && session_info(fork).position == 6);
  CHECK(same_logits(fork, other, vocabulary));
  CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error));
  CHECK(same_logits(session, fork, vocabulary));
  CHECK(rustml_session_release(session) == RUSTML_OK);
  CHECK(rustml_session_release(session) == RUSTML_INVALID_HANDLE);
  CHECK(rustml_session_release(fork) == RUSTML_OK);
  CHECK(rustml_session_release(other) == RUSTML_OK);
  CHECK(rustml_session_release(NULL) == RUSTML_OK);
}

/* The last token of an answer is not evaluated until its scores are wanted: a call that can be stopped. */
static void pending(rustml_model *model, uint64_t vocabulary) {
  rustml_session *session = new_session(model), *other = new_session(model);
  rustml_generation_options options;
  rustml_call_options call;
  rustml_result result = {.struct_size = sizeof result};
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  float *scores = malloc(vocabulary * sizeof *scores);
  int32_t ids[9];
  uint64_t n = 0;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 3;
  options.ignore_eos = 1;
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, &result, &error));
  CHECK_OK(rustml_session_tokens(session, ids, 9, &n, &error));
  CHECK(n == 9 && result.tokens_committed == 9);
  CHECK_OK(rustml_session_eval(other, ids, 9, NULL, &error));
  rustml_call_options_init(&call, sizeof call);
  call.deadline_ns = 1;
  CHECK_STATUS(rustml_session_logits(session, scores, vocabulary, &n, &call, &error), RUSTML_DEADLINE_EXCEEDED);
  CHECK(session_info(session).position == 9);
  CHECK(same_logits(session, other, vocabulary));
  free(scores);
  rustml_session_release(session);
  rustml_session_release(other);
}

/* A file with NaN among its weights: no call gives scores of it, and all say so alike. */
static void damaged(const char *path) {
  uint64_t size = 0, n = 0, at;
  unsigned char *file = read_file(path, &size);
  rustml_model *model = NULL;
  rustml_session *session;
  rustml_error *logits = NULL, *generate = NULL;
  rustml_generation_options options;
  const rustml_prompt prompt = ids_prompt(kIds, 3);
  float scores[331];
  for (at = size - 40000; at < size - 20000; ++at) file[at] = 0xff; /* NaN as F16 and as a scale of Q8_0 */
  CHECK_OK(rustml_model_open_memory(file, size, NULL, &model, NULL, &error));
  session = new_session(model);
  CHECK_OK(rustml_session_eval(session, kIds, 3, NULL, &error));
  scores[0] = 7;
  CHECK(rustml_session_logits(session, scores, 331, &n, NULL, &logits) == RUSTML_DATA_LOSS);
  CHECK(scores[0] == 7);
  rustml_generation_options_init(&options, sizeof options);
  CHECK(rustml_generate(session, &prompt, &options, NULL, NULL, &generate) == RUSTML_DATA_LOSS);
  CHECK(logits && generate && strcmp(rustml_error_message(logits), rustml_error_message(generate)) == 0);
  rustml_error_release(logits);
  rustml_error_release(generate);
  CHECK(session_info(session).position == 3 && session_info(session).poisoned == 0);
  rustml_session_release(session);
  rustml_model_release(model);
  free(file);
}

static void limits(rustml_model *model) {
  rustml_session_options options;
  rustml_session *session = NULL;
  int32_t *many;
  rustml_session_options_init(&options, sizeof options);
  options.context_tokens = 16;
  CHECK_OK(rustml_session_create(model, &options, &session, NULL, &error));
  many = calloc(17, sizeof *many);
  CHECK_STATUS(rustml_session_eval(session, many, 17, NULL, &error), RUSTML_OUT_OF_RANGE);
  CHECK(session_info(session).position == 0);
  CHECK_OK(rustml_session_eval(session, many, 16, NULL, &error));
  CHECK_STATUS(rustml_session_eval(session, many, 1, NULL, &error), RUSTML_OUT_OF_RANGE);
  free(many);
  rustml_session_release(session);
  options.memory_limit_bytes = 1;
  CHECK_OK(rustml_session_create(model, &options, &session, NULL, &error)); /* memory is taken when tokens come */
  CHECK_STATUS(rustml_session_eval(session, kIds, 6, NULL, &error), RUSTML_RESOURCE_EXHAUSTED);
  CHECK(session_info(session).position == 0);
  rustml_session_release(session);
  rustml_session_options_init(&options, sizeof options);
  options.context_tokens = UINT64_MAX;
  CHECK_STATUS(rustml_session_create(model, &options, &session, NULL, &error), RUSTML_OUT_OF_RANGE);
  CHECK(session == NULL);
  rustml_session_options_init(&options, sizeof options);
  options.prefill_chunk = 4097;
  CHECK_STATUS(rustml_session_create(model, &options, &session, NULL, &error), RUSTML_INVALID_ARGUMENT);
}

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_session *session;
  rustml_model_info info;
  int32_t kv;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_model_get_info(model, &info, &error));
  contents(model, info.vocab_size);
  pending(model, info.vocab_size);
  damaged(argv[1]);
  limits(model);
  for (kv = RUSTML_KV_F32; kv <= RUSTML_KV_Q8_0; ++kv) {
    rustml_session_options options;
    rustml_session_options_init(&options, sizeof options);
    options.kv_type = kv;
    CHECK_OK(rustml_session_create(model, &options, &session, NULL, &error));
    CHECK(session_info(session).kv_type == kv);
    CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error));
    rustml_session_release(session);
  }
  CHECK_OK(rustml_model_get_info(model, &info, &error));
  CHECK(info.n_sessions == 0);

  /* A session keeps its model. */
  session = new_session(model);
  CHECK(rustml_model_release(model) == RUSTML_OK);
  CHECK_STATUS(rustml_model_get_info(model, &info, &error), RUSTML_INVALID_HANDLE);
  CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error));
  CHECK(rustml_session_release(session) == RUSTML_OK);
  return finish();
}
