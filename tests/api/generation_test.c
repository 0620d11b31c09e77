/* Generations: pull form and callback form give the same answer; every way to stop; what stays in the session. */
#include <math.h>

#include "check.h"

static const int32_t kIds[6] = {10, 20, 30, 40, 50, 60};
enum { kTokens = 12 };

struct answer {
  int32_t ids[64];
  int n_tokens, n_stopped, n_prefill, finish, stop_after;
  char text[1024];
  uint64_t text_len;
  rustml_session *session;
};

static void take(struct answer *answer, const rustml_event *event) {
  if (event->kind == RUSTML_EVENT_PREFILL) ++answer->n_prefill;
  if (event->kind == RUSTML_EVENT_TOKEN && answer->n_tokens < 64) answer->ids[answer->n_tokens++] = event->token_id;
  if (event->kind == RUSTML_EVENT_STOPPED) {
    ++answer->n_stopped;
    answer->finish = event->finish;
  }
  if (answer->text_len + event->text_len <= sizeof answer->text) {
    memcpy(answer->text + answer->text_len, event->text, event->text_len);
    answer->text_len += event->text_len;
  }
}

static int32_t on_event(void *user_data, const rustml_event *event) {
  struct answer *answer = user_data;
  take(answer, event);
  if (answer->session) {
    const int32_t id = 1;
    rustml_session_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    CHECK_OK(rustml_session_get_info(answer->session, &info, &error));
    CHECK_STATUS(rustml_session_eval(answer->session, &id, 1, NULL, &error), RUSTML_BUSY);
    CHECK_STATUS(rustml_session_reset(answer->session, &error), RUSTML_BUSY);
  }
  return answer->stop_after > 0 && answer->n_tokens >= answer->stop_after ? 42 : 0;
}

static rustml_result blank_result(void) {
  rustml_result result;
  memset(&result, 0, sizeof result);
  result.struct_size = sizeof result;
  return result;
}

static rustml_generation_options options_for(uint64_t max_tokens) {
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = max_tokens;
  options.ignore_eos = 1;
  return options;
}

static int32_t pull(rustml_generation *generation, struct answer *answer, rustml_error **error) {
  rustml_event event;
  int32_t status;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  if (error) *error = NULL;
  while ((status = rustml_generation_next(generation, &event, error)) == RUSTML_OK) take(answer, &event);
  return status;
}

static void both_forms(rustml_session *session) {
  struct answer pulled = {0}, called = {0};
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  rustml_generation_options options = options_for(kTokens);
  rustml_generation *generation = NULL;
  rustml_callback callback;
  rustml_result result = blank_result();
  rustml_event event;
  uint64_t needed = 0;
  int32_t id = 1;
  options.prefill_events = 1;
  options.logprobs = 3;
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  CHECK(session_info(session).generation_open == 1);
  CHECK_STATUS(rustml_session_eval(session, &id, 1, NULL, &error), RUSTML_FAILED_PRECONDITION);
  CHECK_STATUS(rustml_session_rewind(session, 0, &error), RUSTML_FAILED_PRECONDITION);
  CHECK_STATUS(rustml_session_reset(session, &error), RUSTML_FAILED_PRECONDITION);
  {
    rustml_generation *second = NULL;
    CHECK_STATUS(rustml_generation_start(session, &prompt, &options, &second, &error), RUSTML_FAILED_PRECONDITION);
    CHECK(second == NULL);
  }
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  do {
    CHECK_OK(rustml_generation_next(generation, &event, &error));
    take(&pulled, &event);
  } while (event.kind == RUSTML_EVENT_PREFILL && pulled.n_prefill < 100);
  CHECK(event.n_top == 3 && event.top[0].logprob >= event.top[1].logprob && event.top[0].id == event.token_id && event.logprob <= 0);
  CHECK_OK(rustml_session_tokens(session, NULL, 0, &needed, &error)); /* looking between calls is legal */
  CHECK_STATUS(pull(generation, &pulled, &error), RUSTML_DONE);
  CHECK_STATUS(rustml_generation_next(generation, &event, &error), RUSTML_DONE);
  CHECK(pulled.n_tokens == kTokens && pulled.n_stopped == 1 && pulled.finish == RUSTML_FINISH_LENGTH && pulled.n_prefill > 0);
  CHECK_OK(rustml_generation_result(generation, &result, &error));
  CHECK(result.status == RUSTML_OK && result.prompt_tokens == 6 && result.generated_tokens == kTokens);
  CHECK(result.tokens_committed == session_info(session).position && session_info(session).generation_open == 0);
  CHECK_OK(rustml_generation_stop(generation, &error));
  CHECK(rustml_generation_release(generation) == RUSTML_OK);
  CHECK(rustml_generation_release(generation) == RUSTML_INVALID_HANDLE);

  CHECK_OK(rustml_session_reset(session, &error));
  options = options_for(kTokens);
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  callback.user_data = &called;
  called.session = session;
  CHECK_OK(rustml_generate(session, &prompt, &options, &callback, &result, &error));
  CHECK(called.n_tokens == kTokens && memcmp(called.ids, pulled.ids, sizeof called.ids) == 0);
  CHECK(called.text_len == pulled.text_len && memcmp(called.text, pulled.text, called.text_len) == 0 && called.n_prefill == 0);
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, &result, &error));
  CHECK(result.prefill_tokens_skipped >= 5); /* the session held the prompt already */
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, NULL, &error));
}

static void lookup(rustml_session *session) {
  int32_t ids[40] = {0};
  const rustml_prompt prompt = ids_prompt(ids, 40);
  struct answer answers[2];
  uint32_t n;
  memset(answers, 0, sizeof answers);
  for (n = 0; n < 40; ++n) ids[n] = 50 + (int32_t)(n % 4);
  for (n = 0; n < 2; ++n) {
    rustml_generation_options options = options_for(kTokens);
    rustml_result result = blank_result();
    rustml_callback callback;
    rustml_callback_init(&callback, sizeof callback);
    callback.on_event = on_event;
    callback.user_data = &answers[n];
    answers[n].session = session;
    options.prompt_lookup = n * 4;
    CHECK_OK(rustml_session_reset(session, &error));
    CHECK_OK(rustml_generate(session, &prompt, &options, &callback, &result, &error));
    CHECK(result.accepted_tokens <= result.drafted_tokens && (result.drafted_tokens > 0) == (n == 1));
  }
  CHECK(answers[0].n_tokens == kTokens && memcmp(answers[0].ids, answers[1].ids, sizeof answers[0].ids) == 0);
}

static void stops(rustml_session *session) {
  struct answer answer = {0};
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  rustml_generation_options options = options_for(kTokens);
  rustml_generation *generation = NULL;
  rustml_cancel *cancel = NULL;
  rustml_callback callback;
  rustml_result result = blank_result();
  rustml_error *error = NULL;
  uint64_t before;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  callback.user_data = &answer;
  answer.stop_after = 3;
  CHECK_OK(rustml_session_reset(session, &error));
  CHECK(rustml_generate(session, &prompt, &options, &callback, &result, &error) == RUSTML_CALLBACK_STOP);
  CHECK(rustml_error_callback_value(error) == 42 && result.callback_value == 42 && result.finish == RUSTML_FINISH_CALLBACK);
  CHECK(result.status == RUSTML_CALLBACK_STOP && result.generated_tokens == 3 && result.tokens_committed == session_info(session).position);
  rustml_error_release(error);

  /* ROLLBACK: as if it had never been. */
  CHECK_OK(rustml_session_reset(session, &error));
  CHECK_OK(rustml_session_eval(session, kIds, 2, NULL, &error));
  before = session_info(session).position;
  answer.n_tokens = 0;
  options.on_stop = RUSTML_ON_STOP_ROLLBACK;
  CHECK_STATUS(rustml_generate(session, &prompt, &options, &callback, &result, &error), RUSTML_CALLBACK_STOP);
  CHECK(session_info(session).position == before && result.tokens_committed == before);
  options.on_stop = RUSTML_ON_STOP_KEEP;

  CHECK_OK(rustml_cancel_create(&cancel, &error));
  options.cancel = cancel;
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  CHECK(rustml_cancel_release(cancel) == RUSTML_OK); /* the generation keeps it */
  CHECK_STATUS(pull(generation, &answer, &error), RUSTML_DONE);
  rustml_generation_release(generation);

  CHECK_OK(rustml_cancel_create(&cancel, &error));
  options.cancel = cancel;
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  {
    rustml_event event;
    event.struct_size = sizeof event;
    CHECK_OK(rustml_generation_next(generation, &event, &error));
    CHECK(rustml_cancel_trigger(cancel, 4711) == RUSTML_OK);
    CHECK_STATUS(rustml_generation_next(generation, &event, &error), RUSTML_CANCELLED);
    CHECK_STATUS(rustml_generation_next(generation, &event, &error), RUSTML_CANCELLED); /* repeats */
  }
  CHECK_OK(rustml_generation_result(generation, &result, &error));
  CHECK(result.status == RUSTML_CANCELLED && result.finish == RUSTML_FINISH_CANCELLED && result.cancel_reason == 4711);
  CHECK_OK(rustml_session_reset(session, &error)); /* usable at once */
  rustml_generation_release(generation);
  CHECK_STATUS(rustml_generate(session, &prompt, &options, NULL, &result, &error), RUSTML_CANCELLED);
  rustml_cancel_release(cancel);

  options = options_for(kTokens);
  options.deadline_ns = 1;
  CHECK_STATUS(rustml_generate(session, &prompt, &options, NULL, &result, &error), RUSTML_DEADLINE_EXCEEDED);
  options.deadline_ns = 0;
  options.first_token_deadline_ns = 1;
  CHECK_STATUS(rustml_generate(session, &prompt, &options, NULL, &result, &error), RUSTML_DEADLINE_EXCEEDED);
  options.first_token_deadline_ns = UINT64_MAX;
  options.deadline_ns = UINT64_MAX;
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, &result, &error));

  /* The last release closes; so does stop. */
  options = options_for(kTokens);
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  CHECK(rustml_generation_retain(generation) == generation);
  CHECK(rustml_generation_release(generation) == RUSTML_OK);
  CHECK(session_info(session).generation_open == 1);
  CHECK(rustml_generation_release(generation) == RUSTML_OK);
  CHECK(session_info(session).generation_open == 0);
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  CHECK_OK(rustml_generation_stop(generation, &error));
  CHECK_OK(rustml_generation_result(generation, &result, &error));
  CHECK(result.finish == RUSTML_FINISH_CLOSED && session_info(session).generation_open == 0);
  rustml_generation_release(generation);
}

/* A snapshot of an open generation goes on elsewhere with the same tokens. */
static void resumed(rustml_model *model) {
  rustml_session *session = new_session(model), *other = new_session(model);
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  rustml_generation_options options = options_for(kTokens);
  rustml_generation *generation = NULL, *second = NULL;
  struct answer whole = {0}, rest = {0};
  rustml_restore_info info;
  rustml_event event;
  uint8_t *buffer;
  uint64_t size = 0;
  int i;
  options.temperature = 0.8f;
  options.seed = 7;
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  event.struct_size = sizeof event;
  for (i = 0; i < 4; ++i) {
    CHECK_OK(rustml_generation_next(generation, &event, &error));
    take(&whole, &event);
  }
  CHECK_OK(rustml_session_snapshot_size(session, &size, &error));
  buffer = malloc(size);
  CHECK_OK(rustml_session_to_buffer(session, buffer, size, &size, NULL, &error));
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_session_from_buffer(other, buffer, size, &info, NULL, &error));
  CHECK(info.generation_open == 1);
  CHECK_OK(rustml_generation_resume(other, NULL, &second, &error));
  CHECK(rustml_session_release(session) == RUSTML_OK); /* the generation keeps it */
  CHECK(rustml_model_release(model) == RUSTML_OK);
  CHECK_STATUS(pull(generation, &whole, &error), RUSTML_DONE);
  CHECK_STATUS(pull(second, &rest, &error), RUSTML_DONE);
  CHECK(whole.n_tokens == kTokens && rest.n_tokens == kTokens - 4);
  CHECK(memcmp(rest.ids, whole.ids + 4, (kTokens - 4) * sizeof(int32_t)) == 0);
  CHECK(rustml_generation_release(generation) == RUSTML_OK);
  CHECK(rustml_session_release(other) == RUSTML_OK);
  CHECK(rustml_generation_release(second) == RUSTML_OK);
  free(buffer);
}

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_session *session;
  rustml_generation *generation = NULL;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  session = new_session(model);
  both_forms(session);
  lookup(session);
  stops(session);
  CHECK_STATUS(rustml_generation_resume(session, NULL, &generation, &error), RUSTML_FAILED_PRECONDITION);
  rustml_session_release(session);
  resumed(model);
  return finish();
}
