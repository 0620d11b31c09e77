/* long_chat MODEL.gguf CONTEXT: a conversation that goes on when the context is full, since the oldest turns are dropped.
 * One line of standard input each; /undo takes the last turn back. cc long_chat.c $(pkg-config --cflags --libs rustml) -o long_chat */
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Text {
  char *bytes;
  size_t length;
} Text;

/* JSON: {"role":"user","content":"..."},{"role":"assistant","content":"..."} for each turn. The model sees those from `oldest` on. */
static Text system_message, *turns;
static size_t oldest, n_turns;

static void check(int32_t status, rustml_error **error) {
  if (status == RUSTML_OK) return;
  fprintf(stderr, "long_chat: %s\n", rustml_error_message(*error));
  exit(1);
}

static void add(Text *text, const char *bytes, size_t n) {
  if (n == 0) return;
  text->bytes = realloc(text->bytes, text->length + n);
  if (!text->bytes) exit(1);
  memcpy(text->bytes + text->length, bytes, n);
  text->length += n;
}

static void add_message(Text *text, const char *role, const char *content, size_t n) {
  char part[64];
  add(text, part, (size_t)snprintf(part, sizeof part, "%s{\"role\":\"%s\",\"content\":\"", text->length ? "," : "", role));
  for (size_t i = 0; i < n; ++i) {
    unsigned char c = (unsigned char)content[i];
    int plain = c != '"' && c != '\\' && c >= 0x20;
    add(text, part, (size_t)snprintf(part, sizeof part, plain ? "%c" : "\\u%04x", c));
  }
  add(text, "\"}", 2);
}

/* [long conversations] */
/* Begins the answer to a prompt of the system message, the turns from `first` on and the question. Nothing is evaluated yet, but the
 * library says how many tokens that is. *answer is NULL if the context cannot hold them. */
static uint64_t start(rustml_session *session, size_t first, const Text *question, rustml_generation **answer) {
  Text messages = {NULL, 0};
  add(&messages, "[", 1);
  add(&messages, system_message.bytes, system_message.length);
  for (size_t i = first; i <= n_turns; ++i) {
    const Text *turn = i < n_turns ? &turns[i] : question;
    add(&messages, ",", 1);
    add(&messages, turn->bytes, turn->length);
  }
  add(&messages, "]", 1);
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_MESSAGES;
  prompt.text = (rustml_text){messages.bytes, messages.length};
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 64;
  rustml_error *error = NULL;
  int32_t status = rustml_generation_start(session, &prompt, &options, answer, &error);
  free(messages.bytes);
  if (status == RUSTML_OUT_OF_RANGE) {
    rustml_error_release(error);
    return UINT64_MAX;
  }
  check(status, &error);
  rustml_result result = {.struct_size = sizeof result};
  check(rustml_generation_result(*answer, &result, &error), &error);
  return result.prompt_tokens;
}

/* Drops the oldest turns if the prompt leaves too little room for an answer: then so many that half of the context is free, because what
 * stays is evaluated again behind the system message. NULL: the question does not fit even alone, and nothing is dropped. */
static rustml_generation *answer_to(rustml_session *session, uint64_t context, const Text *question) {
  uint64_t most = context - context / 4;
  for (size_t first = oldest;; ++first) {
    rustml_generation *answer;
    uint64_t n_tokens = start(session, first, question, &answer);
    if (n_tokens <= most || first == n_turns) {
      if (answer && first > oldest) printf("(dropped %d turns)\n", (int)(first - oldest));
      if (answer) oldest = first;
      return answer;
    }
    rustml_generation_release(answer);
    most = context / 2;
  }
}
/* [long conversations] */

/* Prints the answer, and adds it to the turn. */
static rustml_result print(rustml_generation *answer, Text *turn) {
  Text said = {NULL, 0};
  rustml_error *error = NULL;
  rustml_event event = {.struct_size = sizeof event};
  int32_t status;
  while ((status = rustml_generation_next(answer, &event, &error)) == RUSTML_OK) {
    fwrite(event.text, 1, event.text_len, stdout);
    fflush(stdout);
    add(&said, event.text, event.text_len);
  }
  if (status != RUSTML_DONE) check(status, &error);
  add_message(turn, "assistant", said.bytes, said.length);
  free(said.bytes);
  rustml_result result = {.struct_size = sizeof result};
  check(rustml_generation_result(answer, &result, &error), &error);
  rustml_generation_release(answer);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: long_chat MODEL.gguf CONTEXT\n");
    return 2;
  }
  rustml_error *error = NULL;
  rustml_model *model;
  check(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error), &error);
  rustml_session_options options;
  rustml_session_options_init(&options, sizeof options);
  options.context_tokens = strtoull(argv[2], NULL, 10);
  rustml_session *session;
  check(rustml_session_create(model, &options, &session, NULL, &error), &error);
  add_message(&system_message, "system", "Answer briefly.", 15);

  uint64_t before = 0; /* tokens in the session before the last turn */
  rustml_result result = {0};
  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    size_t length = strcspn(line, "\n");
    if (length == 5 && !memcmp(line, "/undo", 5)) {
      if (n_turns == oldest) continue;
      free(turns[--n_turns].bytes);
      rustml_session_rewind(session, before, NULL); /* gives its tokens up now; the next prompt does so in any case */
      continue;
    }
    Text turn = {NULL, 0};
    add_message(&turn, "user", line, length);
    rustml_generation *answer = answer_to(session, options.context_tokens, &turn);
    if (!answer) {
      fprintf(stderr, "long_chat: this message does not fit the context; the conversation goes on without it\n");
      free(turn.bytes);
      continue;
    }
    before = result.tokens_committed;
    result = print(answer, &turn);
    turns = realloc(turns, (n_turns + 1) * sizeof *turns);
    if (!turns) exit(1);
    turns[n_turns++] = turn;
    printf("\n(%llu of %llu prompt tokens were known)\n", (unsigned long long)result.prefill_tokens_skipped,
           (unsigned long long)result.prompt_tokens);
    if (result.finish == RUSTML_FINISH_CONTEXT_FULL) printf("(the context is full, so the answer ends here)\n");
  }
  rustml_session_release(session);
  rustml_model_release(model);
  return 0;
}
