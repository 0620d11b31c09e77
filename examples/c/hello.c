/* hello MODEL.gguf: the shortest program.
 * cc hello.c $(pkg-config --cflags --libs rustml) -o hello */
#include <rustml.h>
#include <stdio.h>

static int32_t print(void *user_data, const rustml_event *event) {
  (void)user_data;
  fwrite(event->text, 1, event->text_len, stdout);
  return fflush(stdout); /* anything but 0 stops the answer */
}

int main(int argc, char **argv) {
  rustml_model *model = NULL;
  rustml_session *session = NULL;
  rustml_error *error = NULL;
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = (rustml_text){"The capital of France is", RUSTML_NUL_TERMINATED};
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 16;
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = print;
  int failed = rustml_model_open(argc > 1 ? argv[1] : "model.gguf", RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error) ||
               rustml_session_create(model, NULL, &session, NULL, &error) ||
               rustml_generate(session, &prompt, &options, &callback, NULL, &error);
  if (failed) fprintf(stderr, "hello: %s", rustml_error_message(error));
  puts("");
  rustml_error_release(error);
  rustml_session_release(session);
  rustml_model_release(model);
  return failed;
}
