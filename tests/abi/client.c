/* A program of its time: compiled with the header of one version, run with the library of another.
 *   client MODEL            all that it knows works
 * It includes <rustml.h> of wherever it is compiled: tests/abi/rustml-1.0.h, or the header of a version after this one. */
#include "../api/check.h"

static const int32_t kIds[5] = {11, 22, 33, 44, 55};

struct heard {
  int32_t ids[8];
  int n_tokens, n_stopped, n_destroyed;
};

static int32_t on_event(void *user_data, const rustml_event *event) {
  struct heard *heard = user_data;
  CHECK(event->struct_size >= 8);
  if (event->kind == RUSTML_EVENT_TOKEN && heard->n_tokens < 8) heard->ids[heard->n_tokens++] = event->token_id;
  heard->n_stopped += event->kind == RUSTML_EVENT_STOPPED;
  return 0;
}

static void on_destroy(void *user_data) { ++((struct heard *)user_data)->n_destroyed; }

static rustml_generation_options eight(void) {
  rustml_generation_options options;
  CHECK(rustml_generation_options_init(&options, sizeof options) == RUSTML_OK);
  CHECK(options.struct_size == sizeof options && options.top_p == 1.0f);
  options.max_tokens = 8;
  options.ignore_eos = 1;
  return options;
}

/* A whole answer, and the same one in two halves with a snapshot between them. */
static void answers(rustml_model *model) {
  rustml_session *session = new_session(model), *other = new_session(model);
  const rustml_prompt prompt = ids_prompt(kIds, 5);
  rustml_generation_options options = eight();
  rustml_callback callback;
  rustml_result result;
  rustml_restore_info restored = {.struct_size = sizeof restored};
  struct heard heard = {.n_tokens = 0};
  int32_t ids[16];
  uint64_t size = 0, n = 0;
  uint8_t *snapshot;
  CHECK(rustml_callback_init(&callback, sizeof callback) == RUSTML_OK);
  callback.on_event = on_event;
  callback.user_data = &heard;
  callback.destroy = on_destroy;
  memset(&result, 0xAA, sizeof result);
  result.struct_size = sizeof result;
  CHECK_OK(rustml_generate(session, &prompt, &options, &callback, &result, &error));
  CHECK(heard.n_tokens == 8 && heard.n_stopped == 1 && heard.n_destroyed == 1);
  CHECK(result.status == RUSTML_OK && result.finish == RUSTML_FINISH_LENGTH && result.generated_tokens == 8 &&
        result.tokens_committed == 13);
  CHECK(result.struct_size == sizeof result && result.accepted_tokens == 0);

  options.max_tokens = 3;
  CHECK_OK(rustml_session_reset(session, &error));
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, NULL, &error));
  CHECK_OK(rustml_session_snapshot_size(session, &size, &error));
  snapshot = malloc(size);
  CHECK_OK(rustml_session_to_buffer(session, snapshot, size, &n, NULL, &error));
  CHECK_OK(rustml_session_from_buffer(other, snapshot, n, &restored, NULL, &error));
  CHECK(n == size && restored.n_tokens == 8);
  free(snapshot);
  CHECK_OK(rustml_session_tokens(other, ids, 16, &n, &error));
  {
    const rustml_prompt whole = ids_prompt(ids, n);
    options.max_tokens = 5;
    CHECK_OK(rustml_generate(other, &whole, &options, NULL, NULL, &error));
  }
  CHECK_OK(rustml_session_tokens(other, ids, 16, &n, &error));
  CHECK(n == 13 && memcmp(ids, kIds, sizeof kIds) == 0 && memcmp(ids + 5, heard.ids, sizeof heard.ids) == 0);
  rustml_session_release(session);
  rustml_session_release(other);
}

/* Several at once: structs in arrays, whose stride is what this client knows. */
static void batch(rustml_model *model) {
  rustml_prompt prompts[3];
  rustml_result results[3];
  const rustml_generation_options options = eight();
  const rustml_generation_options *each[3];
  int i;
  for (i = 0; i < 3; ++i) {
    prompts[i] = ids_prompt(kIds, (uint64_t)i + 1);
    memset(&results[i], 0, sizeof results[i]);
    results[i].struct_size = sizeof results[i];
    each[i] = &options;
  }
  CHECK_OK(rustml_generate_batch(model, NULL, prompts, each, 3, NULL, results, &error));
  for (i = 0; i < 3; ++i)
    CHECK(results[i].status == RUSTML_OK && results[i].prompt_tokens == (uint64_t)i + 1 && results[i].generated_tokens == 8);
}

static void errors(rustml_model *model) {
  rustml_session *session = new_session(model);
  rustml_generation *generation = NULL;
  rustml_generation_options options = eight();
  const rustml_prompt prompt = ids_prompt(kIds, 5);
  rustml_error *error = NULL;
  rustml_model *none = model;
  options.top_p = 2;
  CHECK(rustml_generation_start(session, &prompt, &options, &generation, &error) == RUSTML_INVALID_ARGUMENT && generation == NULL);
  CHECK(rustml_error_code(error) == RUSTML_INVALID_ARGUMENT && strstr(rustml_error_message(error), "top_p"));
  CHECK(rustml_error_release(error) == RUSTML_OK);
  CHECK_STATUS(rustml_model_open("/no/such/file", RUSTML_NUL_TERMINATED, NULL, &none, NULL, &error), RUSTML_NOT_FOUND);
  CHECK(none == NULL && rustml_session_release(session) == RUSTML_OK);
}

int main(int argc, char **argv) {
  rustml_model *model;
  const uint64_t hash = rustml_abi_layout_hash(RUSTML_VERSION_MAJOR, RUSTML_VERSION_MINOR);
  if (argc < 2) return 2;
  printf("client of %u.%u, library of %u.%u\n", RUSTML_VERSION_MAJOR, RUSTML_VERSION_MINOR, rustml_abi_version() >> 16,
         rustml_abi_version() & 0xFFFFu);
#ifdef EXPECTED_HASH
  CHECK(hash == EXPECTED_HASH); /* of this client's version, whatever the library's */
#else
  CHECK(hash != 0 || rustml_abi_version() < (RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR));
#endif
  model = open_model(argv[1]);
  answers(model);
  batch(model);
  errors(model);
  CHECK(rustml_model_release(model) == RUSTML_OK);
  return finish();
}
