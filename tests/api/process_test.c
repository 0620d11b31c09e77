/* What a host process notices of us: nothing on its first three descriptors, nothing after fork, nothing at exit. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static const int32_t kIds[6] = {10, 20, 30, 40, 50, 60};
static rustml_session *at_exit_session;

static void call_at_exit(void) {
  uint64_t needed = 0;
  if (rustml_session_tokens(at_exit_session, NULL, 0, &needed, NULL) != RUSTML_OK || needed != 6) _exit(9);
}

/* Exits without giving anything back, with a library call from atexit. */
static int leave_everything(const char *path) {
  rustml_model *model = open_model(path);
  rustml_cancel *cancel = NULL;
  at_exit_session = new_session(model);
  rustml_cancel_create(&cancel, NULL);
  if (rustml_session_eval(at_exit_session, kIds, 6, NULL, NULL) != RUSTML_OK) return 8;
  atexit(call_at_exit);
  return 0;
}

/* Runs this program again with its output captured; the exit status, and how many bytes came. */
static int run(const char *program, const char *path, const char *mode, long *n_bytes) {
  int ends[2], status = -1;
  char buf[512];
  ssize_t n;
  pid_t child;
  if (pipe(ends) != 0) return -1;
  child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    execl(program, program, path, mode, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  *n_bytes = 0;
  while ((n = read(ends[0], buf, sizeof buf)) > 0) {
    *n_bytes += n;
    fprintf(stderr, "%.*s", (int)n, buf);
  }
  close(ends[0]);
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* A busy quarter of an hour in the life of the library, all failures included, and not a byte of output. */
static int use_everything(const char *path) {
  rustml_model *model = open_model(path), *none = NULL;
  rustml_session *session = new_session(model);
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 4;
  rustml_model_open("/no/such", RUSTML_NUL_TERMINATED, NULL, &none, NULL, NULL);
  rustml_model_open_memory("GGUF broken", 11, NULL, &none, NULL, NULL);
  rustml_generate(session, &prompt, &options, NULL, NULL, NULL);
  rustml_generate(session, NULL, &options, NULL, NULL, NULL);
  options.deadline_ns = 1;
  rustml_generate(session, &prompt, &options, NULL, NULL, NULL);
  rustml_session_release(session);
  rustml_model_release(model);
  return 0;
}

static void in_a_child(const char *path) {
  rustml_model *model = open_model(path);
  rustml_session *session = new_session(model);
  rustml_cancel *cancel = NULL;
  const rustml_prompt prompt = ids_prompt(kIds, 6);
  int status = -1;
  pid_t child;
  CHECK_OK(rustml_cancel_create(&cancel, &error));
  child = fork();
  if (child == 0) {
    rustml_cancel *own = NULL;
    rustml_model_info info;
    rustml_generation *generation = NULL;
    n_failures = 0;
    alarm(60);
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    CHECK_STATUS(rustml_model_get_info(model, &info, &error), RUSTML_FORKED);
    CHECK_STATUS(rustml_session_eval(session, kIds, 6, NULL, &error), RUSTML_FORKED);
    CHECK_STATUS(rustml_generation_start(session, &prompt, NULL, &generation, &error), RUSTML_FORKED);
    CHECK(rustml_cancel_trigger(cancel, 1) == RUSTML_FORKED);
    CHECK(rustml_session_release(session) == RUSTML_FORKED);
    CHECK(rustml_model_release(model) == RUSTML_FORKED);
    CHECK(rustml_model_retain(model) == NULL);
    CHECK_OK(rustml_cancel_create(&own, &error)); /* what the child makes is its own */
    CHECK(rustml_cancel_trigger(own, 1) == RUSTML_OK);
    CHECK(rustml_cancel_release(own) == RUSTML_OK);
    exit(n_failures ? 1 : 0); /* with exit handlers */
  }
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error)); /* the parent goes on */
  rustml_cancel_release(cancel);
  rustml_session_release(session);
  rustml_model_release(model);
}

int main(int argc, char **argv) {
  long n_bytes = 0;
  if (argc < 2) return 2;
  if (argc > 2 && strcmp(argv[2], "leave") == 0) return leave_everything(argv[1]);
  if (argc > 2 && strcmp(argv[2], "use") == 0) return use_everything(argv[1]);
  CHECK(run(argv[0], argv[1], "leave", &n_bytes) == 0);
  CHECK(n_bytes == 0);
  CHECK(run(argv[0], argv[1], "use", &n_bytes) == 0);
  CHECK(n_bytes == 0);
  in_a_child(argv[1]);
  return finish();
}
