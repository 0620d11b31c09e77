/* A file that is written to while the library reads it: whatever was made of it is no answer. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char directory[] = "/tmp/rustml-changed-XXXXXX", source[64], target[64], state[64];

/* Writes what stands there already: the library cannot know that nothing else was written and put back. */
static int touch_bytes(const char *path) {
  char byte = 0;
  const int fd = open(path, O_RDWR);
  const int written = pread(fd, &byte, 1, 100) == 1 && pwrite(fd, &byte, 1, 100) == 1;
  close(fd);
  return written;
}

static int32_t touch_once(void *user, const rustml_event *event) {
  const char **path = user;
  if (event->kind == RUSTML_EVENT_PROGRESS && *path) {
    CHECK(touch_bytes(*path));
    *path = NULL;
  }
  return 0;
}

static int is_absent(const char *path) { return access(path, F_OK) != 0; }

static void copy(const char *from, const char *to) {
  char block[65536];
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  size_t n;
  CHECK(in && out);
  while ((n = fread(block, 1, sizeof block, in)) > 0) CHECK(fwrite(block, 1, n, out) == n);
  fclose(in);
  CHECK(fclose(out) == 0);
}

static atomic_int ended;
static void *write_on(void *unused) {
  while (!ended && touch_bytes(source)) {
  }
  return unused;
}

int main(int argc, char **argv) {
  rustml_model *model = NULL;
  rustml_session *session;
  rustml_call_options call;
  rustml_callback progress;
  rustml_memory_plan plan;
  rustml_quantize_options type;
  const int32_t ids[] = {5, 6, 7};
  const char *to_touch;
  pthread_t writer;
  int n_refused = 0;
  (void)argc;
  CHECK(mkdtemp(directory) != NULL);
  snprintf(source, sizeof source, "%s/model.gguf", directory);
  snprintf(target, sizeof target, "%s/out.gguf", directory);
  snprintf(state, sizeof state, "%s/state", directory);
  copy(argv[1], source);
  rustml_callback_init(&progress, sizeof progress);
  progress.on_event = touch_once;
  progress.user_data = &to_touch;
  rustml_call_options_init(&call, sizeof call);
  call.progress = &progress;
  rustml_quantize_options_init(&type, sizeof type);

  to_touch = source;
  CHECK_STATUS(rustml_model_open(source, RUSTML_NUL_TERMINATED, NULL, &model, &call, &error), RUSTML_DATA_LOSS);
  CHECK(model == NULL && to_touch == NULL);
  to_touch = source;
  CHECK_STATUS(rustml_model_quantize(source, RUSTML_NUL_TERMINATED, target, RUSTML_NUL_TERMINATED, &type, &call, &error), RUSTML_DATA_LOSS);
  CHECK(to_touch == NULL && is_absent(target));

  to_touch = NULL;
  CHECK_OK(rustml_model_open(source, RUSTML_NUL_TERMINATED, NULL, &model, &call, &error));
  session = new_session(model);
  CHECK_OK(rustml_session_eval(session, ids, 3, NULL, &error));
  CHECK_OK(rustml_session_save(session, state, RUSTML_NUL_TERMINATED, NULL, &error));
  CHECK_OK(rustml_session_reset(session, &error));
  to_touch = state;
  CHECK_STATUS(rustml_session_load(session, state, RUSTML_NUL_TERMINATED, NULL, &call, &error), RUSTML_DATA_LOSS);
  CHECK(to_touch == NULL && session_info(session).position == 0);
  CHECK_OK(rustml_session_load(session, state, RUSTML_NUL_TERMINATED, NULL, &call, &error));
  CHECK(session_info(session).position == 3);

  /* A plan reads the head alone and reports nothing on the way. */
  CHECK(pthread_create(&writer, NULL, write_on, NULL) == 0);
  for (int i = 0; i < 2000 && n_refused == 0; ++i) {
    rustml_error *error = NULL;
    memset(&plan, 0, sizeof plan);
    plan.struct_size = sizeof plan;
    const int32_t status = rustml_model_plan(source, RUSTML_NUL_TERMINATED, NULL, NULL, &plan, NULL, &error);
    CHECK(status == RUSTML_OK || status == RUSTML_DATA_LOSS);
    n_refused += status == RUSTML_DATA_LOSS && strstr(rustml_error_message(error), "changed while it was opened");
    rustml_error_release(error);
  }
  ended = 1;
  pthread_join(writer, NULL);
  CHECK(n_refused > 0);

  rustml_session_release(session);
  rustml_model_release(model);
  unlink(source);
  unlink(state);
  CHECK(rmdir(directory) == 0);
  return finish();
}
