/* rustml_beam_search: BEAM events, what the session holds afterwards, every way to stop, every field out of range. */
#include <math.h>
#include <stddef.h>

#include "check.h"

static const int32_t kIds[6] = {10, 20, 30, 40, 50, 60};
enum { kTokens = 9 };

struct heard {
  rustml_model *model;
  rustml_cancel *cancel;
  int n_beams, n_prefill, n_progress, destroyed;
  int32_t ids[64], finish;
  uint64_t n_ids;
  float last_score;
  int stop_at_beam, stop_at_progress, cancel_at_progress;
};

static int32_t on_event(void *user_data, const rustml_event *event) {
  struct heard *h = user_data;
  if (event->kind == RUSTML_EVENT_PREFILL) ++h->n_prefill;
  if (event->kind == RUSTML_EVENT_PROGRESS) {
    ++h->n_progress;
    CHECK(event->done == (uint64_t)h->n_progress && event->total == kTokens);
    if (h->cancel_at_progress == h->n_progress) rustml_cancel_trigger(h->cancel, 77);
    if (h->stop_at_progress == h->n_progress) return 42;
  }
  if (event->kind == RUSTML_EVENT_BEAM) {
    char text[1024];
    uint64_t n = 0;
    CHECK(event->struct_size == sizeof *event && event->sequence == (uint32_t)h->n_beams);
    CHECK(event->n_ids <= kTokens && event->score <= (h->n_beams ? h->last_score : 0) && event->logprob <= event->score);
    CHECK_OK(rustml_model_decode(h->model, event->ids, event->n_ids, 0, text, sizeof text, &n, &error));
    if (n == event->text_len) CHECK(memcmp(text, event->text, n) == 0); /* else there were bytes that are no character */
    if (h->n_beams == 0) {
      memcpy(h->ids, event->ids, event->n_ids * sizeof(int32_t));
      h->n_ids = event->n_ids;
      h->finish = event->finish;
    }
    h->last_score = event->score;
    if (++h->n_beams == h->stop_at_beam) return 43;
  }
  return 0;
}

static void on_destroy(void *user_data) { ++((struct heard *)user_data)->destroyed; }

static rustml_callback listen(struct heard *heard, rustml_model *model) {
  rustml_callback callback;
  memset(heard, 0, sizeof *heard);
  heard->model = model;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  callback.destroy = on_destroy;
  callback.user_data = heard;
  return callback;
}

static rustml_beam_options options_for(uint32_t width) {
  rustml_beam_options options;
  CHECK(rustml_beam_options_init(&options, sizeof options) == RUSTML_OK);
  CHECK(options.width == 4 && options.n_best == 1 && options.length_penalty == 1);
  options.width = options.n_best = width;
  options.max_tokens = kTokens;
  options.ignore_eos = 1;
  return options;
}

static void searches(rustml_model *model, rustml_session *session) {
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  rustml_beam_options options = options_for(5);
  struct heard heard;
  rustml_callback callback = listen(&heard, model);
  rustml_result result = {.struct_size = sizeof result};
  int32_t held[64];
  uint64_t n = 0;
  CHECK_OK(rustml_session_reset(session, &error));
  options.prefill_events = options.progress_events = 1;
  CHECK_OK(rustml_beam_search(session, &prompt, &options, &callback, &result, &error));
  CHECK(heard.n_beams == 5 && heard.n_prefill == 1 && heard.n_progress == kTokens - 1 && heard.destroyed == 1);
  CHECK(heard.n_ids == kTokens && heard.finish == RUSTML_FINISH_LENGTH);
  CHECK(result.status == RUSTML_OK && result.finish == RUSTML_FINISH_LENGTH && result.prompt_tokens == 6);
  CHECK(result.generated_tokens == kTokens && result.tokens_committed == 6 + kTokens && result.first_token_seconds > 0);
  CHECK_OK(rustml_session_tokens(session, held, 64, &n, &error));
  CHECK(n == 6 + kTokens && memcmp(held, kIds, sizeof kIds) == 0 && memcmp(held + 6, heard.ids, kTokens * sizeof(int32_t)) == 0);
  /* Fewer delivered, nothing delivered, defaults. */
  options.n_best = 2;
  options.prefill_events = options.progress_events = 0;
  callback = listen(&heard, model);
  CHECK_OK(rustml_beam_search(session, &prompt, &options, &callback, NULL, &error));
  CHECK(heard.n_beams == 2 && heard.n_prefill == 0 && heard.n_progress == 0);
  CHECK_OK(rustml_beam_search(session, &prompt, &options, NULL, NULL, &error));
  options.on_stop = RUSTML_ON_STOP_ROLLBACK;
  CHECK_OK(rustml_session_rewind(session, 3, &error));
  CHECK_OK(rustml_beam_search(session, &prompt, &options, NULL, &result, &error));
  CHECK(session_info(session).position == 3 && result.tokens_committed == 3 && result.prefill_tokens_skipped == 3);
}

static void stops(rustml_model *model, rustml_session *session) {
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  rustml_beam_options options = options_for(3);
  struct heard heard;
  rustml_callback callback = listen(&heard, model);
  rustml_result result = {.struct_size = sizeof result};
  rustml_error *error = NULL;
  options.progress_events = 1;
  heard.stop_at_progress = 4;
  CHECK(rustml_beam_search(session, &prompt, &options, &callback, &result, &error) == RUSTML_CALLBACK_STOP);
  CHECK(rustml_error_callback_value(error) == 42 && result.callback_value == 42 && result.finish == RUSTML_FINISH_CALLBACK);
  CHECK(heard.n_beams == 0 && heard.destroyed == 1 && session_info(session).position == result.tokens_committed);
  rustml_error_release(error);
  callback = listen(&heard, model);
  heard.stop_at_beam = 2;
  CHECK_STATUS(rustml_beam_search(session, &prompt, &options, &callback, &result, &error), RUSTML_CALLBACK_STOP);
  CHECK(heard.n_beams == 2 && result.callback_value == 43 && heard.destroyed == 1);

  callback = listen(&heard, model);
  CHECK_OK(rustml_cancel_create(&heard.cancel, &error));
  options.cancel = heard.cancel;
  heard.cancel_at_progress = 4;
  CHECK_STATUS(rustml_beam_search(session, &prompt, &options, &callback, &result, &error), RUSTML_CANCELLED);
  CHECK(heard.n_beams == 3 && heard.n_ids == 4 && heard.finish == RUSTML_FINISH_CANCELLED); /* the best so far */
  CHECK(result.status == RUSTML_CANCELLED && result.cancel_reason == 77 && result.generated_tokens == 4);
  CHECK(session_info(session).position == 10 && result.tokens_committed == 10);
  CHECK_STATUS(rustml_beam_search(session, &prompt, &options, NULL, &result, &error), RUSTML_CANCELLED); /* latched */
  rustml_cancel_release(heard.cancel);
  options.cancel = NULL;
  options.deadline_ns = 1;
  CHECK_STATUS(rustml_beam_search(session, &prompt, &options, NULL, &result, &error), RUSTML_DEADLINE_EXCEEDED);
  CHECK(result.deadline == RUSTML_DEADLINE_TOTAL && result.finish == RUSTML_FINISH_DEADLINE);
  options.deadline_ns = UINT64_MAX;
  options.first_token_deadline_ns = 1;
  CHECK_STATUS(rustml_beam_search(session, &prompt, &options, NULL, &result, &error), RUSTML_DEADLINE_EXCEEDED);
  CHECK(result.deadline == RUSTML_DEADLINE_FIRST_TOKEN);
  options.first_token_deadline_ns = UINT64_MAX;
  CHECK_OK(rustml_beam_search(session, &prompt, &options, NULL, &result, &error));
}

#define FIELD(name) offsetof(rustml_beam_options, name)
static void misuse(rustml_model *model, rustml_session *session) {
  static const struct {
    size_t offset;
    uint32_t value;
    int32_t status;
  } cases[] = {{FIELD(flags), 1, RUSTML_INVALID_ARGUMENT},
               {FIELD(width), 0, RUSTML_INVALID_ARGUMENT},
               {FIELD(width), 65, RUSTML_INVALID_ARGUMENT},
               {FIELD(width), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {FIELD(width), 64, RUSTML_OK},
               {FIELD(n_best), 0, RUSTML_INVALID_ARGUMENT},
               {FIELD(n_best), 5, RUSTML_INVALID_ARGUMENT},
               {FIELD(n_best), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {FIELD(early_stopping), 1, RUSTML_OK},
               {FIELD(early_stopping), 2, RUSTML_OK},
               {FIELD(early_stopping), 3, RUSTML_INVALID_ARGUMENT},
               {FIELD(early_stopping), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {FIELD(ignore_eos), 2, RUSTML_INVALID_ARGUMENT},
               {FIELD(on_stop), 2, RUSTML_INVALID_ARGUMENT},
               {FIELD(prefill_events), 2, RUSTML_INVALID_ARGUMENT},
               {FIELD(progress_events), 2, RUSTML_INVALID_ARGUMENT}};
  static const float penalties[] = {NAN, INFINITY, -INFINITY, 10.01f, -10.01f, 1e30f};
  static const uint32_t sizes[] = {0, 4, 7, 65537, UINT32_MAX};
  const rustml_prompt prompt = ids_prompt(kIds, 6), empty = ids_prompt(kIds, 0);
  struct heard heard;
  rustml_callback callback = listen(&heard, model);
  rustml_result result = {.struct_size = 4};
  rustml_generation *generation = NULL;
  rustml_beam_options options;
  int32_t bad_id = -1;
  size_t i;
  int calls = 0;
#define SEARCH(prompt_, options_) rustml_beam_search(session, prompt_, options_, &callback, NULL, (++calls, &error))
#define REFUSED(call) CHECK_STATUS(call, RUSTML_INVALID_ARGUMENT)
  CHECK(rustml_beam_options_init(NULL, sizeof options) == RUSTML_INVALID_ARGUMENT);
  CHECK(rustml_beam_options_init(&options, 7) == RUSTML_INVALID_ARGUMENT);
  for (i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    options = options_for(4);
    heard.n_beams = 0;
    memcpy((char *)&options + cases[i].offset, &cases[i].value, sizeof cases[i].value);
    CHECK_STATUS(SEARCH(&prompt, &options), cases[i].status);
  }
  for (i = 0; i < sizeof penalties / sizeof penalties[0]; ++i) {
    options = options_for(4);
    options.length_penalty = penalties[i];
    REFUSED(SEARCH(&prompt, &options));
  }
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    options = options_for(4);
    options.struct_size = sizes[i];
    REFUSED(SEARCH(&prompt, &options));
  }
  options = options_for(4);
  options.n_stop_ids = 1;
  REFUSED(SEARCH(&prompt, &options));
  options.stop_ids = &bad_id;
  REFUSED(SEARCH(&prompt, &options));
  bad_id = INT32_MAX;
  REFUSED(SEARCH(&prompt, &options));
  options.n_stop_ids = UINT64_C(1) << 62;
  REFUSED(SEARCH(&prompt, &options));
  options = options_for(4);
  options.cancel = (rustml_cancel *)(uintptr_t)12345;
  CHECK_STATUS(SEARCH(&prompt, &options), RUSTML_INVALID_HANDLE);
  options.cancel = NULL;
  REFUSED(SEARCH(NULL, &options));
  REFUSED(SEARCH(&empty, &options));
  CHECK(heard.destroyed == calls); /* once for every call, whatever became of it */
  REFUSED(rustml_beam_search(session, &prompt, &options, NULL, &result, &error));
  callback.on_event = NULL;
  REFUSED(SEARCH(&prompt, &options));
  CHECK_OK(rustml_generation_start(session, &prompt, NULL, &generation, &error));
  CHECK_STATUS(rustml_beam_search(session, &prompt, &options, NULL, NULL, &error), RUSTML_FAILED_PRECONDITION);
  rustml_generation_release(generation);
}

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_session *session;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  session = new_session(model);
  searches(model, session);
  stops(model, session);
  misuse(model, session);
  searches(model, session);
  rustml_session_release(session);
  rustml_model_release(model);
  return finish();
}
