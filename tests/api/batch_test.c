/* rustml_generate_batch: 64 prompts are what they are one after another, with cancels in between; and every misuse. */
#include "check.h"

enum { kPrompts = 64, kMost = 32 };

struct answer {
  int32_t ids[kMost];
  int n_tokens, n_ends, finish, n_logs;
};
struct heard {
  struct answer answers[kPrompts];
  rustml_cancel *cancels[kPrompts];
  int destroyed, calls_seen, stop_all_at;
};

static int is_cancelled(uint32_t i) { return i % 8 == 3; }
static int is_stopped(uint32_t i) { return i % 8 == 5; }

static int32_t on_event(void *user_data, const rustml_event *event) {
  struct heard *h = user_data;
  struct answer *a = &h->answers[event->sequence];
  CHECK(event->sequence < kPrompts && a->n_ends == 0);
  ++h->calls_seen;
  if (event->kind == RUSTML_EVENT_TOKEN && a->n_tokens < kMost) a->ids[a->n_tokens++] = event->token_id;
  if (event->kind == RUSTML_EVENT_LOG) {
    ++a->n_logs;
    CHECK(event->level == RUSTML_LOG_ERROR && event->text_len > 0 && event->component);
  }
  if (event->kind == RUSTML_EVENT_STOPPED) {
    ++a->n_ends;
    a->finish = event->finish;
  }
  if (h->stop_all_at > 0 && h->calls_seen == h->stop_all_at) return -9;
  if (is_cancelled(event->sequence) && a->n_tokens == 2 && h->cancels[event->sequence])
    rustml_cancel_trigger(h->cancels[event->sequence], 5);
  return is_stopped(event->sequence) && a->n_tokens == 3 ? RUSTML_CALLBACK_STOP_ONE : 0;
}

static void on_destroy(void *user_data) { ++((struct heard *)user_data)->destroyed; }

static rustml_callback listen(struct heard *heard) {
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  callback.destroy = on_destroy;
  callback.user_data = heard;
  return callback;
}

static int32_t ids[kPrompts][200];
static rustml_prompt prompts[kPrompts];
static rustml_generation_options options[kPrompts];
static const rustml_generation_options *pointers[kPrompts];
static rustml_result results[kPrompts];
static struct heard heard;

static void prepare(void) {
  uint32_t i, j;
  memset(&heard, 0, sizeof heard);
  for (i = 0; i < kPrompts; ++i) {
    const uint32_t n = 1 + i * 3;
    for (j = 0; j < n; ++j) ids[i][j] = (int32_t)((i * 31 + j * 17) % 250 + 5);
    prompts[i] = ids_prompt(ids[i], n);
    rustml_generation_options_init(&options[i], sizeof options[i]);
    options[i].max_tokens = 6 + i % 9;
    options[i].ignore_eos = 1;
    options[i].seed = i;
    options[i].temperature = i % 2 ? 1 : 0;
    pointers[i] = &options[i];
    memset(&results[i], 0, sizeof results[i]);
    results[i].struct_size = sizeof results[i];
    if (!is_cancelled(i)) continue;
    CHECK_OK(rustml_cancel_create(&heard.cancels[i], &error));
    options[i].cancel = heard.cancels[i];
  }
}

static void whole(rustml_model *model) {
  rustml_callback callback;
  uint32_t i;
  prepare();
  callback = listen(&heard);
  CHECK_OK(rustml_generate_batch(model, NULL, prompts, pointers, kPrompts, &callback, results, &error));
  CHECK(heard.destroyed == 1);
  for (i = 0; i < kPrompts; ++i) {
    struct answer alone = {.n_tokens = 0};
    rustml_session *session = new_session(model);
    rustml_generation *generation = NULL;
    rustml_event event = {.struct_size = sizeof event};
    struct answer *a = &alone;
    const int stops = is_cancelled(i) || is_stopped(i);
    options[i].cancel = NULL;
    CHECK_OK(rustml_generation_start(session, &prompts[i], &options[i], &generation, &error));
    while (rustml_generation_next(generation, &event, NULL) == RUSTML_OK)
      if (event.kind == RUSTML_EVENT_TOKEN && a->n_tokens < kMost) a->ids[a->n_tokens++] = event.token_id;
    if (is_cancelled(i)) a->n_tokens = 2;
    if (is_stopped(i)) a->n_tokens = 3;
    CHECK(a->n_tokens == heard.answers[i].n_tokens);
    CHECK(memcmp(a->ids, heard.answers[i].ids, (size_t)a->n_tokens * sizeof(int32_t)) == 0);
    CHECK(results[i].struct_size == sizeof results[i] && results[i].prompt_tokens == 1 + i * 3);
    CHECK(results[i].generated_tokens == (uint64_t)a->n_tokens && results[i].prefill_tokens_skipped == 0);
    CHECK(results[i].status == (is_cancelled(i) ? RUSTML_CANCELLED : is_stopped(i) ? RUSTML_CALLBACK_STOP : RUSTML_OK));
    CHECK(results[i].cancel_reason == (is_cancelled(i) ? 5u : 0u) && results[i].callback_value == is_stopped(i));
    CHECK(heard.answers[i].n_ends == !is_stopped(i) && heard.answers[i].n_logs == is_cancelled(i));
    if (!stops) CHECK(heard.answers[i].finish == RUSTML_FINISH_LENGTH && results[i].finish == RUSTML_FINISH_LENGTH);
    if (is_cancelled(i)) CHECK(heard.answers[i].finish == RUSTML_FINISH_CANCELLED);
    rustml_generation_release(generation);
    rustml_session_release(session);
    rustml_cancel_release(heard.cancels[i]);
  }
}

static void all_stopped(rustml_model *model) {
  rustml_error *error = NULL;
  rustml_callback callback;
  uint32_t i, n_stopped = 0;
  prepare();
  callback = listen(&heard);
  heard.stop_all_at = 30;
  CHECK(rustml_generate_batch(model, NULL, prompts, pointers, kPrompts, &callback, results, &error) == RUSTML_CALLBACK_STOP);
  CHECK(rustml_error_callback_value(error) == -9 && heard.calls_seen == 30 && heard.destroyed == 1);
  rustml_error_release(error);
  for (i = 0; i < kPrompts; ++i) n_stopped += results[i].status == RUSTML_CALLBACK_STOP && results[i].callback_value == -9;
  CHECK(n_stopped > kPrompts / 2);
  for (i = 0; i < kPrompts; ++i) rustml_cancel_release(heard.cancels[i]);
}

/* Arrays whose elements are larger or smaller than ours. */
static void strides(rustml_model *model) {
  struct newer_prompt {
    rustml_prompt known;
    uint64_t unknown;
  } many[3];
  struct older_result {
    uint32_t struct_size;
    int32_t status, finish, deadline;
  } few[3];
  int i;
  prepare();
  memset(many, 0, sizeof many);
  for (i = 0; i < 3; ++i) {
    many[i].known = prompts[i];
    many[i].known.struct_size = sizeof many[i];
    memset(&few[i], 0xAA, sizeof few[i]);
    few[i].struct_size = sizeof few[i];
    pointers[i] = i == 1 ? NULL : &options[i];
    options[i].cancel = NULL;
  }
  prompts[1].n_ids = 1;
  {
    rustml_session_options small;
    rustml_session_options_init(&small, sizeof small);
    small.context_tokens = 32; /* where NULL options end */
    CHECK_OK(rustml_generate_batch(model, &small, &many[0].known, pointers, 3, NULL, (rustml_result *)(void *)few, &error));
    for (i = 0; i < 3; ++i) CHECK(few[i].status == RUSTML_OK && few[i].struct_size == 16 && few[i].finish != 0);
    CHECK_OK(rustml_generate_batch(model, &small, &many[0].known, NULL, 3, NULL, NULL, &error));
    small.context_tokens = UINT64_C(1) << 50;
    few[0].status = 99;
    CHECK_STATUS(rustml_generate_batch(model, &small, &many[0].known, NULL, 3, NULL, (rustml_result *)(void *)few, &error),
                 RUSTML_OUT_OF_RANGE);
    CHECK(few[0].status == 99);
  }
  many[2].known.struct_size -= 8;
  CHECK_STATUS(rustml_generate_batch(model, NULL, &many[0].known, NULL, 3, NULL, NULL, &error), RUSTML_INVALID_ARGUMENT);
  many[2].known.struct_size += 8;
  many[2].unknown = 1;
  CHECK_STATUS(rustml_generate_batch(model, NULL, &many[0].known, NULL, 3, NULL, NULL, &error), RUSTML_INVALID_ARGUMENT);
  few[1].struct_size = 8;
  CHECK_STATUS(rustml_generate_batch(model, NULL, prompts, NULL, 3, NULL, (rustml_result *)(void *)few, &error), RUSTML_INVALID_ARGUMENT);
  for (i = 0; i < kPrompts; ++i) rustml_cancel_release(heard.cancels[i]);
}

static void misuse(rustml_model *model) {
  rustml_error *error = NULL;
  rustml_callback callback;
  int i, calls = 0;
  prepare();
  callback = listen(&heard);
#define BATCH(model_, prompts_, n_) rustml_generate_batch(model_, NULL, prompts_, pointers, n_, &callback, results, (++calls, &error))
  CHECK_OK(BATCH(model, prompts, 0));
  CHECK_OK(BATCH(model, NULL, 0));
  CHECK_STATUS(BATCH(model, NULL, 1), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(BATCH(model, prompts, 16385), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(BATCH(model, prompts, UINT64_MAX), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(BATCH(NULL, prompts, 1), RUSTML_INVALID_HANDLE);
  CHECK_STATUS(BATCH((rustml_model *)(uintptr_t)99, prompts, 1), RUSTML_INVALID_HANDLE);
  prompts[7].kind = 9; /* the whole call's fault: nothing runs, and the message says where */
  CHECK(BATCH(model, prompts, kPrompts) == RUSTML_INVALID_ARGUMENT && strstr(rustml_error_message(error), "element 7"));
  rustml_error_release(error);
  prompts[7].kind = RUSTML_PROMPT_IDS;
  options[9].reserved0 = 1;
  CHECK_STATUS(BATCH(model, prompts, kPrompts), RUSTML_INVALID_ARGUMENT);
  options[9].reserved0 = 0;
  options[9].cancel = (rustml_cancel *)(uintptr_t)99;
  CHECK_STATUS(BATCH(model, prompts, kPrompts), RUSTML_INVALID_HANDLE);
  options[9].cancel = NULL;
  CHECK(heard.destroyed == calls && heard.calls_seen == 0);
  options[1].top_p = 4; /* one sequence's fault */
  prompts[2].n_ids = 0;
  options[4].deadline_ns = 1;
  CHECK_OK(BATCH(model, prompts, 6));
  CHECK(results[0].status == RUSTML_OK && results[1].status == RUSTML_INVALID_ARGUMENT && results[2].status == RUSTML_INVALID_ARGUMENT);
  CHECK(results[1].finish == RUSTML_FINISH_ERROR && heard.answers[1].n_logs == 1 && heard.answers[1].finish == RUSTML_FINISH_ERROR);
  CHECK(results[3].status == RUSTML_CANCELLED && results[4].status == RUSTML_DEADLINE_EXCEEDED);
  CHECK(results[4].deadline == RUSTML_DEADLINE_TOTAL && results[5].status == RUSTML_CALLBACK_STOP);
  for (i = 0; i < kPrompts; ++i) rustml_cancel_release(heard.cancels[i]);
}

struct lines {
  char text[4096];
};
static int32_t on_record(void *user_data, const rustml_event *event) {
  struct lines *lines = user_data;
  if (strcmp(event->component, "rustml::batch") == 0)
    snprintf(lines->text + strlen(lines->text), sizeof lines->text - strlen(lines->text), "%.*s\n", (int)event->text_len, event->text);
  return 0;
}

/* Without a callback the log says what befell a sequence. */
static void unheard(rustml_model *model) {
  static const int32_t wrong[2] = {7, INT32_MAX};
  struct lines lines = {""};
  rustml_log_options log;
  rustml_callback callback;
  int i;
  prepare();
  for (i = 0; i < 3; ++i) {
    options[i].cancel = NULL;
    options[i].max_tokens = 1;
  }
  prompts[1].ids = wrong;
  prompts[1].n_ids = 2;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_record;
  callback.user_data = &lines;
  rustml_log_options_init(&log, sizeof log);
  log.filter.ptr = "error";
  log.filter.len = 5;
  log.callback = &callback;
  CHECK_OK(rustml_log_set(&log, &error));
  CHECK_OK(rustml_generate_batch(model, NULL, prompts, pointers, 3, NULL, results, &error));
  CHECK_OK(rustml_log_set(NULL, &error));
  CHECK(results[0].status == RUSTML_OK && results[1].status == RUSTML_INVALID_ARGUMENT && results[2].status == RUSTML_OK);
  CHECK(strstr(lines.text, "sequence 1: ") == lines.text && strstr(lines.text, "2147483647"));
  CHECK(strchr(lines.text, '\n') == lines.text + strlen(lines.text) - 1);
  for (i = 0; i < kPrompts; ++i) rustml_cancel_release(heard.cancels[i]);
}

int main(int argc, char **argv) {
  rustml_model *model;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  whole(model);
  all_stopped(model);
  strides(model);
  misuse(model);
  unheard(model);
  whole(model);
  rustml_model_release(model);
  return finish();
}
