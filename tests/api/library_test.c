/* Version, clock, build information, init functions, log. */
#include "check.h"

struct log_seen {
  int n_events, n_destroyed, n_bad;
  char first[256];
};

static int32_t on_log(void *user_data, const rustml_event *event) {
  struct log_seen *seen = user_data;
  if (event->kind != RUSTML_EVENT_LOG || !event->component || strncmp(event->component, "rustml", 6) != 0 ||
      event->level < RUSTML_LOG_ERROR || event->level > RUSTML_LOG_TRACE || memchr(event->text, '\n', event->text_len) ||
      event->time_ns == 0)
    ++seen->n_bad;
  if (seen->n_events++ == 0) snprintf(seen->first, sizeof seen->first, "%.*s", (int)event->text_len, event->text);
  return 1; /* ignored */
}
static void destroy_log(void *user_data) { ++((struct log_seen *)user_data)->n_destroyed; }

static void log_records(const char *path) {
  struct log_seen seen = {0};
  rustml_callback callback;
  rustml_log_options options;
  CHECK(rustml_callback_init(&callback, sizeof callback) == RUSTML_OK);
  CHECK(rustml_log_options_init(&options, sizeof options) == RUSTML_OK);
  callback.on_event = on_log;
  callback.user_data = &seen;
  callback.destroy = destroy_log;
  options.callback = &callback;
  options.filter.ptr = "trace";
  options.filter.len = RUSTML_NUL_TERMINATED;
  CHECK_OK(rustml_log_set(&options, &error));
  rustml_model_release(open_model(path));
  CHECK(seen.n_events > 0);
  CHECK(seen.n_bad == 0);
  CHECK(seen.n_destroyed == 0);
  CHECK_OK(rustml_log_set(NULL, &error));
  CHECK(seen.n_destroyed == 1);
  options.filter.ptr = "rustml=loud";
  CHECK_STATUS(rustml_log_set(&options, &error), RUSTML_INVALID_ARGUMENT);
  CHECK(seen.n_destroyed == 2);
  options.filter.ptr = "\xFF";
  CHECK_STATUS(rustml_log_set(&options, &error), RUSTML_INVALID_ARGUMENT);
  CHECK(seen.n_destroyed == 3);
  {
    const int before = seen.n_events;
    rustml_model_release(open_model(path));
    CHECK(seen.n_events == before);
  }
}

int main(int argc, char **argv) {
  rustml_generation_options generation;
  rustml_model_options model;
  uint64_t now;
  if (argc < 2) return 2;
  CHECK(rustml_abi_version() == (RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR));
  CHECK(strcmp(rustml_version(), "1.0.0") == 0);
  CHECK(strstr(rustml_build_json(), "\"simd_targets\":[\"") != NULL);
  CHECK(strstr(rustml_build_json(), "\"pcre2\":\"10.") != NULL);
  CHECK(strstr(rustml_build_json(), "\"formats\":[\"gguf\",\"safetensors\"]") != NULL);
  CHECK(rustml_build_json() == rustml_build_json());

  now = rustml_now_ns();
  CHECK(now > 0 && rustml_now_ns() >= now);
  CHECK(rustml_deadline_after_ns(0) >= now);
  CHECK(rustml_deadline_after_ns(1000000000) >= now + 1000000000u);
  CHECK(rustml_deadline_after_ns(INT64_MAX) > rustml_now_ns());
  CHECK(rustml_deadline_after_ns(-1) < rustml_now_ns());
  CHECK(rustml_deadline_after_ns(INT64_MIN) == 1);

  CHECK(rustml_generation_options_init(&generation, sizeof generation) == RUSTML_OK);
  CHECK(generation.struct_size == sizeof generation && generation.top_p == 1.0f && generation.typical_p == 1.0f &&
        generation.repetition_penalty == 1.0f);
  CHECK(generation.temperature == 0.0f && generation.max_tokens == 0 && generation.cancel == NULL);
  CHECK(rustml_model_options_init(&model, sizeof model) == RUSTML_OK);
  CHECK(model.warmup == 1 && model.check_tensors == 0 && model.n_threads == 0);
  CHECK(rustml_model_options_init(NULL, sizeof model) == RUSTML_INVALID_ARGUMENT);
  CHECK(rustml_model_options_init(&model, 4) == RUSTML_INVALID_ARGUMENT);
  CHECK(rustml_model_options_init(&model, 65537) == RUSTML_INVALID_ARGUMENT);

  log_records(argv[1]);
  return finish();
}
