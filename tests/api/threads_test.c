/* Many threads: one model, one session, one cancel handle; the last releases in any order. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

static const int32_t kIds[6] = {10, 20, 30, 40, 50, 60};
static rustml_model *model;
static rustml_session *session;
static atomic_int n_ok, n_busy, n_other;

/* Everybody works on one session: each call is done or refused at once. */
static void *on_one_session(void *unused) {
  int i;
  for (i = 0; i < 200; ++i) {
    const int32_t status = i % 3 == 0 ? rustml_session_reset(session, NULL) : rustml_session_eval(session, kIds, 2, NULL, NULL);
    if (status == RUSTML_OK)
      ++n_ok;
    else if (status == RUSTML_BUSY)
      ++n_busy;
    else if (status != RUSTML_OUT_OF_RANGE)
      ++n_other;
  }
  return unused;
}

/* Everybody has a session: all get the same answer. */
static void *on_own_session(void *result) {
  rustml_session *own = NULL;
  rustml_generation_options options;
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  uint64_t needed;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 10;
  options.ignore_eos = 1;
  if (rustml_session_create(model, NULL, &own, NULL, NULL) != RUSTML_OK) return NULL;
  if (rustml_generate(own, &prompt, &options, NULL, NULL, NULL) != RUSTML_OK) return NULL;
  if (rustml_session_tokens(own, result, 16, &needed, NULL) != RUSTML_OK) return NULL;
  return rustml_session_release(own) == RUSTML_OK ? result : NULL;
}

/* Looking never disturbs a running call, and never sees half of a change: this model's cache grows in steps of 256 tokens. */
static rustml_session *watched;
static atomic_int n_looks, done_watching;
static void *watch(void *unused) {
  rustml_session_info info = {.struct_size = sizeof info};
  uint64_t step = 0;
  while (!done_watching) {
    const int32_t status = rustml_session_get_info(watched, &info, NULL);
    if (status != RUSTML_OK || info.position > info.capacity || info.kv_bytes_used > info.kv_bytes_reserved) ++n_other;
    if (info.kv_bytes_used > 0 && step == 0) step = info.kv_bytes_used / (info.position > 256 ? 2 : 1);
    if (step > 0 && info.position > 0 && info.kv_bytes_used < (info.position + 255) / 256 * step) ++n_other;
    ++n_looks;
  }
  return unused;
}

static int32_t look_inside(void *user_data, const rustml_event *event) {
  rustml_session_info info = {.struct_size = sizeof info};
  CHECK_OK(rustml_session_get_info(watched, &info, &error));
  if (event->kind == RUSTML_EVENT_TOKEN) CHECK(info.position == event->position + 1 && info.generation_open == 1);
  ++*(int *)user_data;
  return 0;
}

static void looks(void) {
  pthread_t threads[2];
  rustml_generation_options options;
  rustml_callback callback;
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  int i, j, n_events = 0;
  rustml_generation_options_init(&options, sizeof options);
  options.ignore_eos = 1;
  options.max_tokens = 60;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = look_inside;
  callback.user_data = &n_events;
  watched = new_session(model);
  n_other = 0;
  for (i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, watch, NULL) == 0);
  for (i = 0; i < 10 || n_looks <= 20; ++i) { /* until the watchers have had a core */
    CHECK_OK(rustml_session_eval(watched, kIds, 6, NULL, &error));
    CHECK_OK(rustml_generate(watched, &prompt, &options, &callback, NULL, &error));
    CHECK_OK(rustml_session_reset(watched, &error));
  }
  done_watching = 1;
  for (j = 0; j < 2; ++j) pthread_join(threads[j], NULL);
  CHECK(n_other == 0 && n_looks > 20 && n_events == i * 61);
  printf("%d looks beside %d calls\n", (int)n_looks, 3 * i);
  rustml_session_release(watched);
}

static void *release_model(void *unused) {
  rustml_model_release(model);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t threads[4];
  static int32_t tokens[4][16];
  int i;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  session = new_session(model);
  for (i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, on_one_session, NULL) == 0);
  for (i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  CHECK(n_ok > 0 && n_other == 0);
  printf("one session: %d calls done, %d refused\n", (int)n_ok, (int)n_busy);
  CHECK_OK(rustml_session_reset(session, &error));
  rustml_session_release(session);

  looks();
  for (i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, on_own_session, tokens[i]) == 0);
  for (i = 0; i < 4; ++i) {
    void *result = NULL;
    pthread_join(threads[i], &result);
    CHECK(result == tokens[i]);
    CHECK(memcmp(tokens[i], tokens[0], sizeof tokens[0]) == 0);
  }

  for (i = 0; i < 3; ++i) CHECK(rustml_model_retain(model) == model);
  for (i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, release_model, NULL) == 0);
  for (i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  CHECK(rustml_model_release(model) == RUSTML_INVALID_HANDLE);
  return finish();
}
