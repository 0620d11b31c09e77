/* chat MODEL.gguf [SYSTEM]: a conversation, one line of standard input each; what was said before is not evaluated again.
 * cc chat.c $(pkg-config --cflags --libs rustml) -o chat */
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The conversation as JSON: [{"role":"user","content":"..."}, ... */
static char *messages;
static size_t used, capacity;

static void append(const char *text, size_t len) {
  if (used + len + 1 > capacity) {
    capacity = 2 * (used + len + 1);
    messages = realloc(messages, capacity);
    if (!messages) exit(1);
  }
  memcpy(messages + used, text, len);
  used += len;
  messages[used] = 0;
}

static void append_escaped(const char *text, size_t len) {
  for (size_t i = 0; i < len; ++i) {
    unsigned char c = (unsigned char)text[i];
    char escape[8];
    if (c == '"' || c == '\\' || c < 0x20) {
      append(escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
    } else {
      append(text + i, 1);
    }
  }
}

static void begin_message(const char *role) {
  append(used ? "," : "[", 1);
  append("{\"role\":\"", 9);
  append(role, strlen(role));
  append("\",\"content\":\"", 13);
}

static void end_message(void) { append("\"}", 2); }

static int32_t on_event(void *user_data, const rustml_event *event) {
  (void)user_data;
  append_escaped(event->text, event->text_len); /* the answer is part of the next prompt */
  fwrite(event->text, 1, event->text_len, stdout);
  return fflush(stdout);
}

static void check(int32_t status, rustml_error **error) {
  if (status == RUSTML_OK) return;
  fprintf(stderr, "chat: %s\n", rustml_error_message(*error));
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: chat MODEL.gguf [SYSTEM]\n");
    return 2;
  }
  rustml_error *error = NULL;
  rustml_model *model;
  check(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error), &error);
  rustml_session *session;
  check(rustml_session_create(model, NULL, &session, NULL, &error), &error);
  begin_message("system");
  const char *system = argc == 3 ? argv[2] : "Answer briefly.";
  append_escaped(system, strlen(system));
  end_message();

  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    begin_message("user");
    append_escaped(line, strcspn(line, "\n"));
    end_message();
    append("]", 1);
    rustml_prompt prompt; /* always the whole conversation */
    rustml_prompt_init(&prompt, sizeof prompt);
    prompt.kind = RUSTML_PROMPT_MESSAGES;
    char *whole = strdup(messages); /* on_event appends to `messages` meanwhile */
    prompt.text.ptr = whole;
    prompt.text.len = used;
    --used; /* the ] */
    begin_message("assistant");
    rustml_generation_options options;
    rustml_generation_options_init(&options, sizeof options);
    options.max_tokens = 64;
    rustml_callback callback;
    rustml_callback_init(&callback, sizeof callback);
    callback.on_event = on_event;
    rustml_result result = {.struct_size = sizeof result};
    check(rustml_generate(session, &prompt, &options, &callback, &result, &error), &error);
    end_message();
    free(whole);
    printf("\n(%llu of %llu prompt tokens were known)\n", (unsigned long long)result.prefill_tokens_skipped,
           (unsigned long long)result.prompt_tokens);
  }
  rustml_session_release(session);
  rustml_model_release(model);
  free(messages);
  return 0;
}
