/* cancel MODEL.gguf "PROMPT" MILLISECONDS: another thread stops the answer; the session stays usable.
 * cc cancel.c $(pkg-config --cflags --libs rustml) -lpthread -o cancel */
#include <pthread.h>
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static rustml_cancel *cancel;
static long milliseconds;

static void *stop_later(void *unused) {
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&pause, NULL);
  rustml_cancel_trigger(cancel, RUSTML_CANCEL_REASON_USER);
  return unused;
}

static int check(int32_t status, rustml_error **error) {
  if (status == RUSTML_OK || status == RUSTML_CANCELLED) {
    rustml_error_release(*error);
    return status;
  }
  fprintf(stderr, "cancel: %s\n", rustml_error_message(*error));
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: cancel MODEL.gguf \"PROMPT\" MILLISECONDS\n");
    return 2;
  }
  milliseconds = atol(argv[3]);
  rustml_error *error = NULL;
  rustml_model *model;
  check(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error), &error);
  rustml_session *session;
  check(rustml_session_create(model, NULL, &session, NULL, &error), &error);
  check(rustml_cancel_create(&cancel, &error), &error);

  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text.ptr = argv[2];
  prompt.text.len = RUSTML_NUL_TERMINATED;
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.ignore_eos = 1; /* until the context is full, or until it is stopped */
  options.cancel = cancel;
  rustml_result result = {.struct_size = sizeof result};

  pthread_t stopper;
  pthread_create(&stopper, NULL, stop_later, NULL);
  int status = check(rustml_generate(session, &prompt, &options, NULL, &result, &error), &error);
  pthread_join(stopper, NULL);
  printf("%s after %llu tokens, %.1f ms after the request\n", status == RUSTML_CANCELLED ? "stopped" : "finished",
         (unsigned long long)result.generated_tokens, (double)result.stop_latency_ns / 1e6);

  rustml_cancel_release(cancel);
  rustml_session_release(session);
  rustml_model_release(model);
  return 0;
}
