/* A snapshot written here is continued by another process: greedily and sampled with a seed, from an evaluated prompt and from the
 * middle of an answer. The next 64 tokens must be those this process gets by going on, and nothing may be evaluated again.
 *
 * usage: resume_process MODEL.gguf           SmolLM2 too where RUSTML_SMOLLM2 names it
 *        resume_process MODEL.gguf FILE prompt|resume TEMPERATURE     the other process: prints skipped tokens and ids */
#define _POSIX_C_SOURCE 200809L
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROMPT = 150, TOKENS = 64, BEFORE = 10 };

static int failures = 0;

static void need(int32_t status, rustml_error *error, const char *what) {
  if (status == RUSTML_OK) return;
  fprintf(stderr, "%s: %s\n", what, rustml_error_message(error));
  exit(1);
}

static rustml_generation_options options_of(float temperature) {
  rustml_generation_options o;
  rustml_generation_options_init(&o, sizeof o);
  o.temperature = temperature;
  o.seed = 4711;
  o.repetition_penalty = 1.1f;
  o.ignore_eos = 1;
  o.max_tokens = BEFORE + TOKENS;
  return o;
}

/* Up to n tokens of a generation. */
static int take(rustml_generation *g, int32_t *ids, int n) {
  rustml_event event;
  int got = 0;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  while (got < n && rustml_generation_next(g, &event, NULL) == RUSTML_OK)
    if (event.kind == RUSTML_EVENT_TOKEN) ids[got++] = event.token_id;
  return got;
}

static rustml_generation *start(rustml_session *session, const int32_t *ids, uint64_t n, float temperature) {
  rustml_generation_options o = options_of(temperature);
  rustml_generation *g = NULL;
  rustml_prompt prompt;
  rustml_error *error = NULL;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids;
  prompt.n_ids = n;
  need(rustml_generation_start(session, &prompt, &o, &g, &error), error, "start");
  return g;
}

static uint64_t skipped(rustml_generation *g) {
  rustml_result r;
  memset(&r, 0, sizeof r);
  r.struct_size = sizeof r;
  rustml_generation_result(g, &r, NULL);
  return r.prefill_tokens_skipped;
}

static rustml_model *open_model(const char *path, rustml_session **session) {
  rustml_model *model = NULL;
  rustml_error *error = NULL;
  need(rustml_model_open(path, RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error), error, "open");
  need(rustml_session_create(model, NULL, session, NULL, &error), error, "session");
  return model;
}

static int other_process(char **argv) {
  rustml_session *session = NULL;
  rustml_model *model = open_model(argv[1], &session);
  rustml_generation *g = NULL;
  rustml_error *error = NULL;
  int32_t ids[PROMPT + BEFORE + 1], next[TOKENS];
  uint64_t n = 0;
  int i, got;
  need(rustml_session_load(session, argv[2], RUSTML_NUL_TERMINATED, NULL, NULL, &error), error, "load");
  if (strcmp(argv[3], "resume") == 0) {
    need(rustml_generation_resume(session, NULL, &g, &error), error, "resume");
  } else {
    need(rustml_session_tokens(session, ids, PROMPT + BEFORE + 1, &n, &error), error, "tokens");
    g = start(session, ids, n, (float)atof(argv[4]));
  }
  got = take(g, next, TOKENS);
  printf("%llu", (unsigned long long)skipped(g));
  for (i = 0; i < got; ++i) printf(" %d", (int)next[i]);
  putchar('\n');
  rustml_generation_release(g);
  rustml_session_release(session);
  rustml_model_release(model);
  return 0;
}

static void expect(const char *program, const char *model, const char *file, const char *how, float temperature, const int32_t *want) {
  char command[8192];
  FILE *pipe;
  unsigned long long skip = 0;
  int i, id, wrong = 0;
  snprintf(command, sizeof command, "'%s' '%s' '%s' %s %g", program, model, file, how, (double)temperature);
  pipe = popen(command, "r");
  if (pipe == NULL || fscanf(pipe, "%llu", &skip) != 1) exit(1);
  for (i = 0; i < TOKENS; ++i) wrong += fscanf(pipe, "%d", &id) != 1 || id != want[i];
  pclose(pipe);
  if (wrong || skip != PROMPT) ++failures;
  printf("%s, temperature %g: %d of %d tokens differ, %llu of %d prompt tokens skipped\n", how, (double)temperature, wrong, TOKENS, skip,
         PROMPT);
}

static void try_model(const char *program, const char *path) {
  const float temperatures[] = {0.0f, 1.0f};
  char file[] = "/tmp/rustml_resume_XXXXXX";
  rustml_session *session = NULL;
  rustml_model *model = open_model(path, &session);
  rustml_error *error = NULL;
  int32_t prompt[PROMPT], tokens[TOKENS];
  int i, fd = mkstemp(file);
  if (fd < 0) exit(1);
  close(fd);
  for (i = 0; i < PROMPT; ++i) prompt[i] = 3 + i * 37 % 250;
  for (i = 0; i < 2; ++i) {
    rustml_generation *g;
    rustml_session_reset(session, NULL);
    need(rustml_session_eval(session, prompt, PROMPT, NULL, &error), error, "eval");
    need(rustml_session_save(session, file, RUSTML_NUL_TERMINATED, NULL, &error), error, "save");
    g = start(session, prompt, PROMPT, temperatures[i]);
    if (take(g, tokens, TOKENS) != TOKENS) ++failures;
    rustml_generation_release(g);
    expect(program, path, file, "prompt", temperatures[i], tokens);

    g = start(session, prompt, PROMPT, temperatures[i]);
    take(g, tokens, BEFORE);
    need(rustml_session_save(session, file, RUSTML_NUL_TERMINATED, NULL, &error), error, "save while open");
    if (take(g, tokens, TOKENS) != TOKENS) ++failures;
    rustml_generation_release(g);
    expect(program, path, file, "resume", temperatures[i], tokens);
  }
  remove(file);
  rustml_session_release(session);
  rustml_model_release(model);
}

int main(int argc, char **argv) {
  const char *real = getenv("RUSTML_SMOLLM2");
  if (argc == 5) return other_process(argv);
  if (argc != 2) return 2;
  try_model(argv[0], argv[1]);
  if (failures == 0) puts("PASSED tiny model");
  if (real != NULL && *real != 0) {
    try_model(argv[0], real);
    if (failures == 0) puts("PASSED SmolLM2");
  } else {
    puts("SKIPPED SmolLM2: set RUSTML_SMOLLM2=$(scripts/fetch-model)");
  }
  printf("%d failures\n", failures);
  return failures != 0;
}
