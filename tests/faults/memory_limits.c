/* A whole life of a model under limits of address space (RLIMIT_AS): RESOURCE_EXHAUSTED or all of it, and all of it once the limit is
 * gone. MODEL [STEP_KB]: every so many kB, a sample without. */
#define _GNU_SOURCE
#include <rustml.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kFrom_kB = 1000, kTo_kB = 40000, kSample_kB = 1501, kSecondsToHang = 30 };

struct result {
  int32_t status, again;
  char message[300];
};

static char text[4096];
static size_t n_text;
static uint8_t snapshot[1 << 22];

static int32_t on_event(void *user_data, const rustml_event *event) {
  (void)user_data;
  if (n_text + event->text_len <= sizeof text) memcpy(text + n_text, event->text, event->text_len), n_text += event->text_len;
  return 0;
}

static int32_t life(const char *path, uint32_t n_threads, rustml_error **error) {
  rustml_model *model = NULL;
  rustml_session *session = NULL, *forked = NULL;
  uint64_t needed;
  rustml_model_options model_options;
  rustml_model_options_init(&model_options, sizeof model_options);
  model_options.n_threads = n_threads;
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 8;
  options.ignore_eos = 1;
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = (rustml_text){"The time of the", 15};
  n_text = 0;
  int32_t status = rustml_model_open(path, RUSTML_NUL_TERMINATED, &model_options, &model, NULL, error);
  if (!status) status = rustml_session_create(model, NULL, &session, NULL, error);
  if (!status) status = rustml_generate(session, &prompt, &options, &callback, NULL, error);
  if (!status) status = rustml_session_to_buffer(session, snapshot, sizeof snapshot, &needed, NULL, error);
  if (!status) status = rustml_session_from_buffer(session, snapshot, needed, NULL, NULL, error);
  if (!status) status = rustml_session_fork(session, &forked, NULL, error);
  rustml_session_release(forked);
  rustml_session_release(session);
  rustml_model_release(model);
  return status;
}

static long address_space_kB(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1) _exit(3);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void limited_life(const char *path, uint32_t n_threads, long more_kB, struct result *result) {
  rustml_error *error = NULL;
  struct rlimit old, limit;
  alarm(kSecondsToHang);
  getrlimit(RLIMIT_AS, &old);
  limit = old;
  limit.rlim_cur = (rlim_t)(address_space_kB() + more_kB) * 1024;
  setrlimit(RLIMIT_AS, &limit);
  result->status = life(path, n_threads, &error);
  setrlimit(RLIMIT_AS, &old);
  snprintf(result->message, sizeof result->message, "%s", error ? rustml_error_message(error) : "");
  const size_t n_first = n_text;
  char first[sizeof text];
  memcpy(first, text, n_first);
  rustml_error_release(error);
  error = NULL;
  result->again = life(path, n_threads, &error);
  if (n_text == 0 || (!result->status && (n_first != n_text || memcmp(first, text, n_text) != 0))) result->again = -1; /* another text */
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const long step = argc > 2 ? atol(argv[2]) : kSample_kB;
  struct result *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int bad = 0;
  for (uint32_t n_threads = 1; n_threads <= 2; ++n_threads) {
    long n = 0, ok = 0, exhausted = 0, other = 0, next_wrong = 0, deaths = 0, hangs = 0;
    for (long kB = kFrom_kB; kB <= kTo_kB; kB += step, ++n) {
      const pid_t pid = fork();
      if (pid == 0) limited_life(argv[1], n_threads, kB, result);
      int status = 0;
      waitpid(pid, &status, 0);
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        const int hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        hung ? ++hangs : ++deaths;
        printf("  %ld kB, %u threads: %s\n", kB, n_threads, hung ? "hangs" : "dies");
        continue;
      }
      if (result->status == RUSTML_OK) ++ok;
      if (result->status == RUSTML_RESOURCE_EXHAUSTED) ++exhausted;
      if (result->status != RUSTML_OK && result->status != RUSTML_RESOURCE_EXHAUSTED) {
        ++other;
        printf("  %ld kB, %u threads: status %d %s\n", kB, n_threads, (int)result->status, result->message);
      }
      if (result->again) ++next_wrong, printf("  %ld kB, %u threads: the next life: %d\n", kB, n_threads, (int)result->again);
    }
    printf(
        "memory limits, %u threads, %d to %d kB in steps of %ld: %ld lives, %ld ok, %ld exhausted; %ld other, %ld next lives wrong, "
        "%ld deaths, %ld hangs\n",
        n_threads, kFrom_kB, kTo_kB, step, n, ok, exhausted, other, next_wrong, deaths, hangs);
    bad |= other || next_wrong || deaths || hangs || !ok || !exhausted;
  }
  return bad;
}
