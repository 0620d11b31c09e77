/* Stops at random moments, over prefill and decode: by a cancel from another thread and by each of the three deadlines.
 * After every stop no thread may begin more than one further piece of work, the call must return soon (p50 <= 10 ms,
 * p99 <= 250 ms on busy machines, in one of three tries), and when the same prompt is asked again the tokens must be those of an
 * undisturbed run.
 *
 * usage: stop_moments SLOW_TINY.gguf     SmolLM2 too where RUSTML_SMOLLM2 names it */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_PROMPT = 4096, TOKENS = 256, CHECKED = 8 };

static int failures = 0;
#define CHECK(condition, ...)                         \
  do {                                                \
    if (!(condition)) {                               \
      ++failures;                                     \
      fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
      fprintf(stderr, __VA_ARGS__);                   \
      fputc('\n', stderr);                            \
    }                                                 \
  } while (0)

typedef struct {
  rustml_model *model;
  rustml_session *session;
  int32_t prompt[MAX_PROMPT];
  uint64_t n_prompt;
  int32_t undisturbed[TOKENS];
  uint64_t whole_ns, decode_ns; /* of an undisturbed run */
} subject;

typedef struct {
  rustml_cancel *cancel;
  uint64_t delay_ns, at_ns;
} trigger;

static uint32_t random_state = 12345;
static uint32_t random_number(void) { return (random_state = random_state * 1664525u + 1013904223u) >> 8; }

static void pause_until(uint64_t when) {
  while (rustml_now_ns() < when) {
    uint64_t left = when - rustml_now_ns();
    struct timespec t = {0, left > 50000 && left < 1000000000 ? (long)(left - 50000) : 1000};
    nanosleep(&t, NULL);
  }
}

static void *fire(void *p) {
  trigger *t = p;
  pause_until(rustml_now_ns() + t->delay_ns);
  t->at_ns = rustml_now_ns();
  rustml_cancel_trigger(t->cancel, RUSTML_CANCEL_REASON_USER);
  return NULL;
}

/* One run of the prompt. Returns its status; tokens and result filled as far as it came. */
static int32_t run(subject *s, const rustml_generation_options *options, int32_t *tokens, uint64_t *n_tokens, rustml_result *result) {
  rustml_prompt prompt;
  rustml_generation *generation = NULL;
  rustml_event event;
  int32_t status;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = s->prompt;
  prompt.n_ids = s->n_prompt;
  memset(result, 0, sizeof *result);
  result->struct_size = sizeof *result;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  *n_tokens = 0;
  status = rustml_generation_start(s->session, &prompt, options, &generation, NULL);
  if (status != RUSTML_OK) return status;
  while ((status = rustml_generation_next(generation, &event, NULL)) == RUSTML_OK)
    if (event.kind == RUSTML_EVENT_TOKEN && *n_tokens < TOKENS) tokens[(*n_tokens)++] = event.token_id;
  CHECK(rustml_generation_result(generation, result, NULL) == RUSTML_OK, "no result");
  rustml_generation_release(generation);
  return status;
}

static rustml_generation_options plain_options(void) {
  rustml_generation_options o;
  rustml_generation_options_init(&o, sizeof o);
  o.max_tokens = TOKENS;
  o.ignore_eos = 1;
  o.temperature = 1.0f;
  o.seed = 99;
  return o;
}

static void check_undisturbed(subject *s, const char *after) {
  rustml_generation_options o = plain_options();
  rustml_result result;
  int32_t tokens[TOKENS];
  uint64_t n;
  o.max_tokens = CHECKED;
  CHECK(run(s, &o, tokens, &n, &result) == RUSTML_DONE && n == CHECKED, "the run after %s failed", after);
  CHECK(memcmp(tokens, s->undisturbed, CHECKED * sizeof *tokens) == 0, "other tokens after %s", after);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Whether these were soon. */
static int report(const char *what, double *ms, int n) {
  if (n == 0) return 1;
  qsort(ms, (size_t)n, sizeof *ms, by_value);
  printf("%-28s %4d stops: p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", what, n, ms[n / 2], ms[(n * 99) / 100], ms[n - 1]);
  return ms[n / 2] <= 10.0 && ms[(n * 99) / 100] <= 250.0;
}

/* Others may have the processors: the limits in time must be kept by one of three tries, everything else by each of them. */
#define ONE_OF_THREE(call)                                                                    \
  do {                                                                                        \
    int tries = 0, soon = 0;                                                                  \
    while (!soon && ++tries <= 3)                                                             \
      if (!(soon = (call))) printf("RETRIED %s after try %d of 3: not soon\n", #call, tries); \
    CHECK(soon, "%s: p50 above 10 ms or p99 above 250 ms, three times", #call);               \
  } while (0)

static int open_subject(subject *s, const char *path, uint64_t n_prompt) {
  rustml_error *error = NULL;
  rustml_model_info info;
  rustml_generation_options o = plain_options();
  rustml_result result;
  int32_t again[TOKENS];
  uint64_t i, n, begin, taken;
  memset(s, 0, sizeof *s);
  if (rustml_model_open(path, RUSTML_NUL_TERMINATED, NULL, &s->model, NULL, &error) != RUSTML_OK) {
    fprintf(stderr, "%s\n", rustml_error_message(error));
    return 0;
  }
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  rustml_model_get_info(s->model, &info, NULL);
  if (rustml_session_create(s->model, NULL, &s->session, NULL, &error) != RUSTML_OK) {
    fprintf(stderr, "%s\n", rustml_error_message(error));
    return 0;
  }
  s->n_prompt = n_prompt;
  for (i = 0; i < n_prompt; ++i) s->prompt[i] = (int32_t)(3 + random_number() % (info.vocab_size - 80));
  if (run(s, &o, s->undisturbed, &n, &result) != RUSTML_DONE || n != TOKENS) return 0;
  s->whole_ns = s->decode_ns = UINT64_MAX;
  for (i = 0; i < 3; ++i) { /* the quickest counts: moments in a time that others spent would be behind the end */
    rustml_session_reset(s->session, NULL);
    begin = rustml_now_ns();
    if (run(s, &o, again, &n, &result) != RUSTML_DONE || memcmp(again, s->undisturbed, sizeof again) != 0) return 0;
    taken = rustml_now_ns() - begin;
    if (taken >= s->whole_ns) continue;
    s->whole_ns = taken;
    s->decode_ns = (uint64_t)(result.decode_seconds * 1e9);
  }
  return 1;
}

static void close_subject(subject *s) {
  rustml_session_release(s->session);
  rustml_model_release(s->model);
}

/* Cancels until `wanted` have hit, a twentieth of them in the decode. Each run begins where the last was stopped, so a chain of stops ends
 * in one whole run. In every second chain the prompt is evaluated already, and the moments fall into the decode. */
static int cancels(subject *s, int wanted, const char *what) {
  const int in_decode_wanted = wanted >= 100 ? wanted / 20 : 0, most = 2 * wanted;
  double *ms = malloc((size_t)most * sizeof *ms);
  int hits = 0, chain = 0, chains = 0, misses = 0, in_decode = 0, soon;
  rustml_session_reset(s->session, NULL);
  while ((hits < wanted || in_decode < in_decode_wanted) && hits < most && misses < 20 * wanted + 1000) {
    rustml_generation_options o = plain_options();
    rustml_result result;
    int32_t tokens[TOKENS], status;
    uint64_t n, returned;
    pthread_t thread;
    trigger t = {NULL, random_number() % ((chains % 2 ? s->decode_ns : s->whole_ns / 4) + 1), 0};
    rustml_cancel_create(&t.cancel, NULL);
    o.cancel = t.cancel;
    pthread_create(&thread, NULL, fire, &t);
    status = run(s, &o, tokens, &n, &result);
    returned = rustml_now_ns();
    pthread_join(thread, NULL);
    rustml_cancel_release(t.cancel);
    if (status == RUSTML_CANCELLED) {
      CHECK(result.pieces_after_stop <= 1, "%u pieces after the stop", (unsigned)result.pieces_after_stop);
      CHECK(result.finish == RUSTML_FINISH_NONE || result.cancel_reason == RUSTML_CANCEL_REASON_USER, "reason %u",
            (unsigned)result.cancel_reason);
      CHECK(memcmp(tokens, s->undisturbed, n * sizeof *tokens) == 0, "other tokens before the stop");
      ms[hits++] = (double)(returned - t.at_ns) * 1e-6;
      in_decode += n > 0;
      ++chain;
    } else {
      CHECK(status == RUSTML_DONE, "status %d", (int)status);
      ++misses;
    }
    if (status == RUSTML_DONE || chain == 8 || hits == most) {
      check_undisturbed(s, what);
      chain = 0;
      if (++chains % 2 == 0) rustml_session_reset(s->session, NULL);
    }
  }
  check_undisturbed(s, what);
  CHECK(hits >= wanted, "%s: only %d of %d cancels hit", what, hits, wanted);
  CHECK(in_decode >= in_decode_wanted, "%s: only %d hit the decode", what, in_decode);
  soon = report(what, ms, hits);
  free(ms);
  return soon;
}

static int deadlines(subject *s, int which, int rounds, const char *what) {
  double *ms = malloc((size_t)rounds * sizeof *ms);
  int hits = 0, soon, i;
  for (i = 0; i < rounds; ++i) {
    rustml_generation_options o = plain_options();
    rustml_result result;
    int32_t tokens[TOKENS], status;
    uint64_t n, delay = random_number() % (s->whole_ns / 2 + 1);
    rustml_session_reset(s->session, NULL);
    if (which == RUSTML_DEADLINE_TOTAL) o.deadline_ns = rustml_now_ns() + delay;
    if (which == RUSTML_DEADLINE_FIRST_TOKEN) o.first_token_deadline_ns = rustml_now_ns() + delay;
    if (which == RUSTML_DEADLINE_STALL) o.stall_timeout_ns = 1 + random_number() % 2000; /* shorter than any piece */
    status = run(s, &o, tokens, &n, &result);
    if (status != RUSTML_DEADLINE_EXCEEDED) continue;
    if (result.finish != RUSTML_FINISH_DEADLINE) continue; /* passed before any work: no generation was started */
    CHECK(result.deadline == which, "deadline %d instead of %d", (int)result.deadline, which);
    CHECK(result.pieces_after_stop <= 1, "%u pieces after the deadline", (unsigned)result.pieces_after_stop);
    ms[hits++] = (double)result.stop_latency_ns * 1e-6;
    if (i % 8 == 0) check_undisturbed(s, what);
  }
  CHECK(hits >= rounds / 4, "%s: only %d of %d hit", what, hits, rounds);
  check_undisturbed(s, what);
  soon = report(what, ms, hits);
  free(ms);
  return soon;
}

int main(int argc, char **argv) {
  subject s;
  const char *real = getenv("RUSTML_SMOLLM2");
  if (argc != 2) return 2;
  if (!open_subject(&s, argv[1], 4000)) return 1;
  ONE_OF_THREE(cancels(&s, 1000, "tiny, cancel"));
  ONE_OF_THREE(deadlines(&s, RUSTML_DEADLINE_TOTAL, 40, "tiny, total deadline"));
  ONE_OF_THREE(deadlines(&s, RUSTML_DEADLINE_FIRST_TOKEN, 40, "tiny, first-token deadline"));
  ONE_OF_THREE(deadlines(&s, RUSTML_DEADLINE_STALL, 40, "tiny, stall timeout"));
  close_subject(&s);
  if (failures == 0) puts("PASSED tiny model");
  if (real == NULL || *real == 0) {
    puts("SKIPPED SmolLM2: set RUSTML_SMOLLM2=$(scripts/fetch-model)");
  } else if (open_subject(&s, real, 400)) {
    ONE_OF_THREE(cancels(&s, 20, "SmolLM2, cancel"));
    close_subject(&s);
    if (failures == 0) puts("PASSED SmolLM2");
  } else {
    ++failures;
  }
  printf("%d failures\n", failures);
  return failures != 0;
}
