/* What librustml-hub asks of librustml: the symbol of node RUSTML_PRIVATE_1, and what the hub of 1.0 asked in its place. */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int32_t rustml_private_cancel_reason(const rustml_cancel *cancel, uint32_t *reason);

/* librustml-hub 1.0 opened a model of no bytes to learn about its call's options: nothing to object, if it is told about the bytes. */
static int32_t asked_by_1_0(rustml_cancel *cancel, uint64_t deadline_ns) {
  rustml_model *model = NULL;
  rustml_call_options call;
  rustml_call_options_init(&call, sizeof call);
  call.cancel = cancel;
  call.deadline_ns = deadline_ns;
  return rustml_model_open_memory("", 0, NULL, &model, &call, NULL);
}

int main(void) {
  rustml_cancel *cancel = NULL;
  uint32_t reason = 9;
  int status = -1;
  pid_t child;
  CHECK_OK(rustml_cancel_create(&cancel, &error));
  CHECK(rustml_private_cancel_reason(cancel, &reason) == RUSTML_OK && reason == 0);
  CHECK(asked_by_1_0(cancel, 0) == RUSTML_DATA_LOSS || asked_by_1_0(cancel, 0) == RUSTML_UNIMPLEMENTED);
  CHECK(asked_by_1_0(cancel, 1) == RUSTML_DEADLINE_EXCEEDED);
  CHECK(rustml_cancel_trigger(cancel, 77) == RUSTML_OK);
  CHECK(rustml_private_cancel_reason(cancel, &reason) == RUSTML_OK && reason == 77);
  CHECK(asked_by_1_0(cancel, 0) == RUSTML_CANCELLED);
  child = fork();
  if (child == 0) _exit(rustml_private_cancel_reason(cancel, &reason) == RUSTML_FORKED ? 0 : 1);
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_OK(rustml_cancel_reset(cancel, &error));
  CHECK(rustml_cancel_trigger(cancel, RUSTML_CANCEL_REASON_DEADLINE) == RUSTML_OK);
  CHECK(asked_by_1_0(cancel, 0) == RUSTML_DEADLINE_EXCEEDED);
  CHECK(rustml_cancel_release(cancel) == RUSTML_OK);
  CHECK(rustml_private_cancel_reason(cancel, &reason) == RUSTML_INVALID_HANDLE && reason == 0);
  CHECK(rustml_private_cancel_reason(NULL, &reason) == RUSTML_INVALID_HANDLE && reason == 0);
  CHECK(asked_by_1_0(cancel, 0) == RUSTML_INVALID_HANDLE);
  return finish();
}
