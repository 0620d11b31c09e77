/* stream MODEL.gguf "PROMPT": prints the answer as it is made.
 * cc stream.c $(pkg-config --cflags --libs rustml) -o stream */
#include <rustml.h>
#include <stdio.h>

static int failed(rustml_error *error) {
  fprintf(stderr, "stream: %s\n", rustml_error_message(error));
  rustml_error_release(error);
  return 1;
}

static int32_t on_event(void *user_data, const rustml_event *event) {
  (void)user_data;
  fwrite(event->text, 1, event->text_len, stdout);
  return fflush(stdout); /* not 0: stop, nobody reads */
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: stream MODEL.gguf \"PROMPT\"\n");
    return 2;
  }
  rustml_error *error = NULL;
  rustml_model *model;
  if (rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error)) return failed(error);
  rustml_session *session;
  if (rustml_session_create(model, NULL, &session, NULL, &error)) return failed(error);

  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text.ptr = argv[2];
  prompt.text.len = RUSTML_NUL_TERMINATED;
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 64;
  options.deadline_ns = rustml_deadline_after_ns(60 * (int64_t)1000000000);
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  if (rustml_generate(session, &prompt, &options, &callback, NULL, &error)) return failed(error);
  putchar('\n');

  rustml_session_release(session);
  rustml_model_release(model);
  return 0;
}
