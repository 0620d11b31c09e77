/* Runs scenarios while one allocation fails, or one and all after it: for every such allocation in turn, or a sample. */
#ifndef SWEEP_H
#define SWEEP_H
#include <rustml.h>
#include <stddef.h>
#include <stdint.h>

struct scenario {
  const char *name;
  int32_t (*setup)(rustml_error **); /* with memory */
  int32_t (*body)(rustml_error **);  /* whose allocations fail; returns a status, and its result by sweep_answer */
  int fresh;                         /* each time in a process that has not used the library: first uses fail too */
  int one_in;                        /* its sample, where not the suite's */
};

struct suite {
  const struct scenario *scenarios;
  int n_scenarios;
  int32_t (*next_call)(rustml_error **); /* after a failure, on what the scenario left: OK, and the answer it always has. May be NULL */
  void (*teardown)(void);                /* releases what setup, body and next_call made */
};

/* What a body gives: the same bytes each time when it succeeds. */
void sweep_answer(const void *bytes, size_t n);

/* The sample of a fresh scenario, and of any other, is one allocation in so many. Environment: RUSTML_FAULTS_STRIDE=1 takes all of them,
 * RUSTML_FAULTS_ONLY=NAME one scenario. Prints a line for each scenario; returns 0 if nothing was wrong. */
int sweep(const struct suite *suite, const char *title, int from_then_on, int one_in, int one_in_fresh);

#endif
