#define _GNU_SOURCE
#include "sweep.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocation.h"

enum { kSecondsToHang = 30, kMostDeaths = 20, kTries = 3 };

/* Shared with the child, which may die at any time. */
struct record {
  long nth, total, runs, ok, exhausted, spared;
  long other, wrong_answer, next_wrong, leaks, wrong_error, deaths, hangs; /* what is wrong */
  uint64_t wanted, wanted_next;
  int finished;
};

static struct record *record;
static uint64_t answer;
static const char *title;

void sweep_answer(const void *bytes, size_t n) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < n; ++i) answer = (answer ^ at[i]) * 1099511628211ull;
}

static void report(const struct scenario *s, const char *what, int32_t status, const char *message) {
  printf("  %s, %s: allocation %ld: %s: status %d %s\n", title, s->name, record->nth, what, (int)status, message ? message : "");
  fflush(stdout);
}

static int32_t run(int32_t (*part)(rustml_error **), rustml_error **error, uint64_t *given) {
  answer = 14695981039346656037ull;
  const int32_t status = part(error);
  *given = answer;
  return status;
}

/* Without faults; the child ends where that fails. */
static void run_well(const struct suite *suite, const struct scenario *s, uint64_t *given, uint64_t *next) {
  rustml_error *error = NULL;
  int32_t status = run(s->setup, &error, given);
  allocation_arm(0, 0);
  if (!status) status = run(s->body, &error, given);
  allocation_disarm();
  record->total = allocation_count();
  if (!status && suite->next_call) status = run(suite->next_call, &error, next);
  if (status) {
    report(s, "fails without faults", status, rustml_error_message(error));
    _exit(3);
  }
  suite->teardown();
}

/* One run with a fault; returns whether an allocation failed. */
static int run_with_fault(const struct suite *suite, const struct scenario *s, int from_then_on) {
  rustml_error *error = NULL;
  uint64_t given, next;
  if (s->setup(&error)) _exit(3);
  allocation_arm(record->nth, from_then_on);
  const int32_t status = run(s->body, &error, &given);
  const long n_failed = allocation_disarm();
  record->spared += allocation_spared();
  ++record->runs;
  if (status == RUSTML_OK) {
    ++record->ok;
    if (given != record->wanted) ++record->wrong_answer, report(s, "OK with another answer", status, NULL);
  } else if (status == RUSTML_RESOURCE_EXHAUSTED) {
    ++record->exhausted;
  } else {
    ++record->other, report(s, "another status", status, rustml_error_message(error));
  }
  if (error && rustml_error_code(error) != status) ++record->wrong_error, report(s, "an error of another status", status, NULL);
  if (!error && status && status != RUSTML_RESOURCE_EXHAUSTED) ++record->wrong_error, report(s, "no error object", status, NULL);
  rustml_error_release(error);
  error = NULL;
  if (suite->next_call) {
    const int32_t after = run(suite->next_call, &error, &next);
    if (after || next != record->wanted_next) ++record->next_wrong, report(s, "the next call", after, rustml_error_message(error));
    rustml_error_release(error);
    error = NULL;
  }
  suite->teardown();
  /* And the same call again. */
  if (s->fresh || !suite->next_call) {
    int32_t again = run(s->setup, &error, &given);
    if (!again) again = run(s->body, &error, &given);
    if (again || given != record->wanted) ++record->next_wrong, report(s, "the same call again", again, rustml_error_message(error));
    rustml_error_release(error);
    suite->teardown();
  }
  return n_failed > 0;
}

/* A cache may grow once; what grows each time is a leak. */
static int run_and_weigh(const struct suite *suite, const struct scenario *s, int from_then_on) {
  int failed = 0;
  for (int i = 0; i < kTries; ++i) {
    const long blocks = allocation_blocks(), mapped = allocation_mapped();
    failed = run_with_fault(suite, s, from_then_on);
    if (s->fresh || (allocation_blocks() <= blocks && allocation_mapped() <= mapped)) return failed;
  }
  ++record->leaks, report(s, "memory is not given back", 0, NULL);
  return failed;
}

/* Measures what is wanted, in a process of its own. */
static void reference(const struct suite *suite, const struct scenario *s) {
  run_well(suite, s, &record->wanted, &record->wanted_next);
  if (!s->fresh) run_well(suite, s, &record->wanted, &record->wanted_next); /* counts without first uses */
  _exit(0);
}

static void child(const struct suite *suite, const struct scenario *s, int from_then_on, long stride) {
  uint64_t given, next;
  for (int i = 0; i < 3 && !s->fresh; ++i) run_well(suite, s, &given, &next);
  for (;; record->nth += stride) {
    alarm(kSecondsToHang);
    if (!run_and_weigh(suite, s, from_then_on)) {
      record->finished = 1;
      _exit(0);
    }
    if (s->fresh) {
      record->nth += stride;
      _exit(0);
    }
  }
}

static int sweep_one(const struct suite *suite, const struct scenario *s, int from_then_on, int one_in) {
  memset(record, 0, sizeof *record);
  int broken = 0, referred = 0;
  long stride = 0, first = 0;
  while (!record->finished && !broken && record->deaths + record->hangs < kMostDeaths) {
    const pid_t pid = fork();
    if (pid == 0) referred ? child(suite, s, from_then_on, stride) : reference(suite, s);
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status)) {
      broken = WEXITSTATUS(status) != 0;
      if (referred || broken) continue;
      referred = 1;
      stride = record->total / 4 < one_in ? record->total / 4 : one_in; /* four at least */
      if (stride < 1) stride = 1;
      for (const char *c = s->name; *c; ++c) first += *c;
      first = 1 + first % stride; /* fixed, and another for each scenario */
      record->nth = first;
      continue;
    }
    report(s, WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)), 0, NULL);
    WTERMSIG(status) == SIGALRM ? ++record->hangs : ++record->deaths;
    record->nth += stride;
  }
  const struct record *r = record;
  const long n_wrong = r->other + r->wrong_answer + r->next_wrong + r->leaks + r->wrong_error + r->deaths + r->hangs;
  printf(
      "%s, %s: every %ldth of %ld allocations from %ld: %ld runs, %ld ok, %ld exhausted, %ld spared; %ld other, %ld wrong answers, "
      "%ld next calls wrong, %ld leaks, %ld wrong errors, %ld deaths, %ld hangs\n",
      title, s->name, stride, r->total, first, r->runs, r->ok, r->exhausted, r->spared, r->other, r->wrong_answer, r->next_wrong, r->leaks,
      r->wrong_error, r->deaths, r->hangs);
  fflush(stdout);
  return broken || n_wrong > 0;
}

int sweep(const struct suite *suite, const char *what, int from_then_on, int one_in, int one_in_fresh) {
  const char *only = getenv("RUSTML_FAULTS_ONLY"), *stride = getenv("RUSTML_FAULTS_STRIDE");
  int bad = 0;
  long n_allocations = 0;
  title = what;
  record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < suite->n_scenarios; ++i) {
    const struct scenario *s = &suite->scenarios[i];
    if (only && strcmp(only, s->name) != 0) continue;
    bad |= sweep_one(suite, s, from_then_on, stride ? atoi(stride) : s->one_in ? s->one_in : s->fresh ? one_in_fresh : one_in);
    n_allocations += record->total;
  }
  if (n_allocations == 0) bad = 1, printf("nothing was allocated: the program's own malloc is not the libraries'\n");
  munmap(record, sizeof *record);
  return bad;
}
