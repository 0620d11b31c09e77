/* snapshot MODEL.gguf save FILE "PROMPT": evaluates a prompt and saves the session.
 * snapshot MODEL.gguf load FILE: goes on from it, in another process, without evaluating the prompt again.
 * cc snapshot.c $(pkg-config --cflags --libs rustml) -o snapshot */
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int32_t status, rustml_error **error) {
  if (status == RUSTML_OK) return;
  fprintf(stderr, "snapshot: %s\n", rustml_error_message(*error));
  exit(1);
}

static int32_t on_event(void *user_data, const rustml_event *event) {
  (void)user_data;
  fwrite(event->text, 1, event->text_len, stdout);
  return fflush(stdout);
}

int main(int argc, char **argv) {
  int saving = argc == 5 && !strcmp(argv[2], "save");
  if (!saving && !(argc == 4 && !strcmp(argv[2], "load"))) {
    fprintf(stderr, "usage: snapshot MODEL.gguf save FILE \"PROMPT\" | load FILE\n");
    return 2;
  }
  rustml_error *error = NULL;
  rustml_model *model;
  check(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error), &error);
  rustml_session *session;
  check(rustml_session_create(model, NULL, &session, NULL, &error), &error);
  static int32_t ids[8192];
  uint64_t n;
  if (saving) {
    check(rustml_model_encode(model, argv[4], RUSTML_NUL_TERMINATED, RUSTML_ENCODE_ADD_SPECIAL, ids, 8192, &n, NULL, &error), &error);
    check(rustml_session_eval(session, ids, n, NULL, &error), &error);
    check(rustml_session_save(session, argv[3], RUSTML_NUL_TERMINATED, NULL, &error), &error);
    printf("saved %llu tokens\n", (unsigned long long)n);
  } else {
    check(rustml_session_load(session, argv[3], RUSTML_NUL_TERMINATED, NULL, NULL, &error), &error);
    check(rustml_session_tokens(session, ids, 8192, &n, &error), &error);
    rustml_prompt prompt; /* the whole context wanted: what the session holds is not evaluated again */
    rustml_prompt_init(&prompt, sizeof prompt);
    prompt.kind = RUSTML_PROMPT_IDS;
    prompt.ids = ids;
    prompt.n_ids = n;
    rustml_generation_options options;
    rustml_generation_options_init(&options, sizeof options);
    options.max_tokens = 32;
    rustml_callback callback;
    rustml_callback_init(&callback, sizeof callback);
    callback.on_event = on_event;
    rustml_result result = {.struct_size = sizeof result};
    check(rustml_generate(session, &prompt, &options, &callback, &result, &error), &error);
    fprintf(stderr, "\n%llu of %llu prompt tokens were not evaluated again\n", (unsigned long long)result.prefill_tokens_skipped,
            (unsigned long long)result.prompt_tokens);
  }
  rustml_session_release(session);
  rustml_model_release(model);
  return 0;
}
