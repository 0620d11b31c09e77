/* Snapshots through sink, buffer and file: whole or refused, and then nothing has changed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static const int32_t kIds[6] = {10, 20, 30, 40, 50, 60};

struct bytes {
  unsigned char *data;
  uint64_t size, at;
  int n_destroyed;
};
static int32_t append(void *user_data, const void *data, uint64_t len) {
  struct bytes *bytes = user_data;
  if (len > bytes->size - bytes->at) return 3;
  if (len > 0) memcpy(bytes->data + bytes->at, data, len);
  bytes->at += len;
  return 0;
}
static int32_t read_at(void *user_data, uint64_t offset, void *buf, uint64_t len) {
  struct bytes *bytes = user_data;
  if (offset > bytes->size || len > bytes->size - offset) return 1;
  memcpy(buf, bytes->data + offset, len);
  return 0;
}
static void destroy(void *user_data) { ++((struct bytes *)user_data)->n_destroyed; }

static int n_entries(const char *directory) {
  DIR *entries = opendir(directory);
  int n = -2; /* . and .. */
  while (entries && readdir(entries)) ++n;
  if (entries) closedir(entries);
  return n;
}

static void files(rustml_session *session, rustml_session *other, const unsigned char *wanted, uint64_t size) {
  char directory[] = "/tmp/rustml-snapshot-XXXXXX", path[256], fifo[256];
  unsigned char *got;
  uint64_t n = 0;
  CHECK(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/state \xC3\xA9", directory);
  snprintf(fifo, sizeof fifo, "%s/fifo", directory);
  CHECK_OK(rustml_session_save(session, path, RUSTML_NUL_TERMINATED, NULL, &error));
  CHECK_OK(rustml_session_save(session, path, strlen(path), NULL, &error));
  got = read_file(path, &n);
  CHECK(n == size && memcmp(got, wanted, size) == 0);
  free(got);
  CHECK_OK(rustml_session_reset(other, &error));
  CHECK_OK(rustml_session_load(other, path, RUSTML_NUL_TERMINATED, NULL, NULL, &error));
  CHECK(session_info(other).position == 6);
  CHECK(n_entries(directory) == 1);

  CHECK(mkfifo(fifo, 0600) == 0);
  CHECK_STATUS(rustml_session_save(session, fifo, RUSTML_NUL_TERMINATED, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_load(other, fifo, RUSTML_NUL_TERMINATED, NULL, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_save(session, directory, RUSTML_NUL_TERMINATED, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_save(session, "/dev/zero", RUSTML_NUL_TERMINATED, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_load(other, "/dev/zero", RUSTML_NUL_TERMINATED, NULL, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_save(session, "/no/such/place", RUSTML_NUL_TERMINATED, NULL, &error), RUSTML_NOT_FOUND);
  CHECK_STATUS(rustml_session_load(other, "/no/such/place", RUSTML_NUL_TERMINATED, NULL, NULL, &error), RUSTML_NOT_FOUND);
  CHECK(n_entries(directory) == 2);
  unlink(fifo);
  unlink(path);
  rmdir(directory);
}

/* Between start and the first next, the session holds tokens that its prompt has nothing to do with. Each way to write and to read
 * carries it, a session in which only the tokens fit names both numbers, and a session that went on says what comes next. */
static void started(rustml_model *model) {
  static const int32_t prompt_ids[4][8] = {
      {70, 80, 90, 100, 110, 120, 130, 140}, {10, 20, 77, 78, 79, 80, 81, 82}, {10, 20, 30}, {10, 20, 30, 40, 50, 60}};
  static const uint64_t n_ids[4] = {8, 8, 3, 6};
  char directory[] = "/tmp/rustml-started-XXXXXX", path[256];
  int which, way, i;
  CHECK(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/snapshot", directory);
  for (which = 0; which < 4; ++which) {
    rustml_session *session = new_session(model);
    rustml_generation *generation = NULL;
    rustml_generation_options options;
    const rustml_prompt prompt = ids_prompt(prompt_ids[which], n_ids[which]);
    int32_t wanted[8];
    struct bytes bytes = {0};
    rustml_event event = {.struct_size = sizeof event};
    uint64_t needed = 0;
    rustml_generation_options_init(&options, sizeof options);
    options.max_tokens = 8;
    options.ignore_eos = 1;
    CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error));
    CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
    CHECK_OK(rustml_session_snapshot_size(session, &bytes.size, &error));
    bytes.data = malloc(bytes.size);
    CHECK_OK(rustml_session_save(session, path, RUSTML_NUL_TERMINATED, NULL, &error));
    for (way = 0; way < 3; ++way) {
      rustml_session *other = new_session(model), *small = NULL;
      rustml_generation *resumed = NULL;
      rustml_restore_info info = {.struct_size = sizeof info};
      rustml_session_options few;
      rustml_error *error = NULL;
      if (way == 0) {
        CHECK_OK(rustml_session_load(other, path, RUSTML_NUL_TERMINATED, &info, NULL, &error));
      } else if (way == 1) {
        CHECK_OK(rustml_session_to_buffer(session, bytes.data, bytes.size, &needed, NULL, &error));
        CHECK(needed == bytes.size);
        CHECK_OK(rustml_session_from_buffer(other, bytes.data, needed, &info, NULL, &error));
      } else {
        rustml_sink sink;
        rustml_source source;
        bytes.at = 0;
        rustml_sink_init(&sink, sizeof sink);
        sink.user_data = &bytes;
        sink.write = append;
        CHECK_OK(rustml_session_snapshot_write(session, &sink, NULL, &error));
        CHECK(bytes.at == bytes.size);
        rustml_reader_init(&source, sizeof source);
        source.user_data = &bytes;
        source.size = bytes.size;
        source.read_at = read_at;
        CHECK_OK(rustml_session_restore(other, &source, &info, NULL, &error));
      }
      CHECK(info.generation_open == 1 && info.n_tokens == 6);
      rustml_session_options_init(&few, sizeof few);
      few.context_tokens = n_ids[which] > 6 ? 7 : 5;
      CHECK_OK(rustml_session_create(model, &few, &small, NULL, &error));
      CHECK(rustml_session_load(small, path, RUSTML_NUL_TERMINATED, NULL, NULL, &error) == RUSTML_OUT_OF_RANGE);
      CHECK(error && strstr(rustml_error_message(error), n_ids[which] > 6 ? "has 8 tokens" : "holds 6 tokens") != NULL);
      CHECK(error && strstr(rustml_error_message(error), n_ids[which] > 6 ? "context of 7" : "context of 5") != NULL);
      rustml_error_release(error);
      rustml_session_release(small);
      if (way == 0) { /* the one that was never stopped */
        rustml_session *calm = new_session(model);
        rustml_generation *plain = NULL;
        CHECK_OK(rustml_session_eval(calm, kIds, 6, NULL, &error));
        CHECK_OK(rustml_generation_start(calm, &prompt, &options, &plain, &error));
        for (i = 0; i < 8; ++i) {
          CHECK_OK(rustml_generation_next(plain, &event, &error));
          wanted[i] = event.token_id;
        }
        rustml_generation_release(plain);
        rustml_session_release(calm);
      }
      CHECK_OK(rustml_generation_resume(other, NULL, &resumed, &error));
      for (i = 0; i < 8; ++i) {
        CHECK_OK(rustml_generation_next(resumed, &event, &error));
        CHECK(event.kind == RUSTML_EVENT_TOKEN && event.token_id == wanted[i]);
      }
      CHECK_OK(rustml_generation_next(resumed, &event, &error));
      CHECK(event.kind == RUSTML_EVENT_STOPPED && event.finish == RUSTML_FINISH_LENGTH);
      rustml_generation_release(resumed);
      rustml_session_release(other);
    }
    rustml_generation_release(generation);
    rustml_session_release(session);
    free(bytes.data);
  }
  unlink(path);
  rmdir(directory);
}

/* What stands where a file is written; and a limit of file size, whose signal would end the process. */
static void written_files(rustml_session *session, const char *model) {
  char directory[] = "/tmp/rustml-written-XXXXXX", path[64], link[64];
  struct stat info;
  struct rlimit before, small;
  CHECK(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/state", directory);
  snprintf(link, sizeof link, "%s/link", directory);
  CHECK(symlink("state", link) == 0);
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(i == 0 ? rustml_session_save(session, link, RUSTML_NUL_TERMINATED, NULL, &error)
                    : rustml_model_quantize(model, RUSTML_NUL_TERMINATED, link, RUSTML_NUL_TERMINATED, NULL, NULL, &error));
    CHECK(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    CHECK(stat(path, &info) == 0 && (i == 0 || (info.st_mode & 07777) == 0600));
    CHECK(chmod(path, 0600) == 0);
  }
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_STATUS(rustml_session_save(session, path, RUSTML_NUL_TERMINATED, NULL, &error), RUSTML_RESOURCE_EXHAUSTED);
  CHECK_STATUS(rustml_model_quantize(model, RUSTML_NUL_TERMINATED, path, RUSTML_NUL_TERMINATED, NULL, NULL, &error),
               RUSTML_RESOURCE_EXHAUSTED);
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(n_entries(directory) == 2);
  unlink(link);
  unlink(path);
  rmdir(directory);
}

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_session *session, *other, *tiny = NULL;
  rustml_session_options options;
  rustml_snapshot_info info;
  rustml_restore_info restored;
  rustml_call_options call;
  rustml_cancel *cancel = NULL;
  rustml_reader source;
  rustml_sink sink;
  struct bytes bytes = {0};
  uint8_t *buffer;
  uint64_t size = 0, needed = 0, i;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  session = new_session(model);
  other = new_session(model);
  CHECK_OK(rustml_session_eval(session, kIds, 6, NULL, &error));

  CHECK_OK(rustml_session_snapshot_size(session, &size, &error));
  bytes.data = malloc(size);
  bytes.size = size;
  rustml_sink_init(&sink, sizeof sink);
  sink.user_data = &bytes;
  sink.write = append;
  sink.destroy = destroy;
  CHECK_OK(rustml_session_snapshot_write(session, &sink, NULL, &error));
  CHECK(bytes.at == size && bytes.n_destroyed == 1);
  buffer = malloc(size);
  CHECK_OK(rustml_session_to_buffer(session, NULL, 0, &needed, NULL, &error));
  CHECK(needed == size);
  CHECK_STATUS(rustml_session_to_buffer(session, buffer, size - 1, &needed, NULL, &error), RUSTML_BUFFER_TOO_SMALL);
  CHECK_OK(rustml_session_to_buffer(session, buffer, size, &needed, NULL, &error));
  CHECK(memcmp(buffer, bytes.data, size) == 0);

  rustml_reader_init(&source, sizeof source);
  source.user_data = &bytes;
  source.size = size;
  source.read_at = read_at;
  source.destroy = destroy;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_snapshot_probe(&source, &info, &error));
  CHECK(info.n_tokens == 6 && info.total_bytes == size && info.kv_type == RUSTML_KV_F16 && info.generation_open == 0 &&
        bytes.n_destroyed == 2);
  memset(&restored, 0, sizeof restored);
  restored.struct_size = sizeof restored;
  CHECK_OK(rustml_session_restore(other, &source, &restored, NULL, &error));
  CHECK(restored.n_tokens == 6 && restored.tokens_reusable == 6 && bytes.n_destroyed == 3 && session_info(other).position == 6);

  /* Damage is refused and changes nothing. (Every bit and every length: tests/generation.) */
  CHECK_OK(rustml_session_rewind(other, 2, &error));
  for (i = 0; i < size; i += size / 97 + 1) {
    buffer[i] ^= 0x10;
    {
      rustml_error *error = NULL;
      const int32_t status = rustml_session_from_buffer(other, buffer, size, NULL, NULL, &error);
      CHECK(status == RUSTML_DATA_LOSS || status == RUSTML_FAILED_PRECONDITION || status == RUSTML_UNIMPLEMENTED);
      rustml_error_release(error);
    }
    buffer[i] ^= 0x10;
    CHECK_STATUS(rustml_session_from_buffer(other, buffer, i, NULL, NULL, &error), RUSTML_DATA_LOSS);
  }
  CHECK(session_info(other).position == 2);
  CHECK_OK(rustml_session_from_buffer(other, buffer, size, NULL, NULL, &error));
  CHECK(session_info(other).position == 6);
  files(session, other, bytes.data, size);
  started(model);
  written_files(session, argv[1]);

  rustml_session_options_init(&options, sizeof options);
  options.context_tokens = 4;
  CHECK_OK(rustml_session_create(model, &options, &tiny, NULL, &error));
  CHECK_STATUS(rustml_session_from_buffer(tiny, buffer, size, NULL, NULL, &error), RUSTML_OUT_OF_RANGE);
  rustml_session_release(tiny);
  options.context_tokens = 0;
  options.kv_type = RUSTML_KV_F32;
  CHECK_OK(rustml_session_create(model, &options, &tiny, NULL, &error));
  CHECK_STATUS(rustml_session_from_buffer(tiny, buffer, size, NULL, NULL, &error), RUSTML_FAILED_PRECONDITION);
  rustml_session_release(tiny);

  CHECK_OK(rustml_cancel_create(&cancel, &error));
  rustml_cancel_trigger(cancel, 1);
  rustml_call_options_init(&call, sizeof call);
  call.cancel = cancel;
  bytes.at = 0;
  CHECK_STATUS(rustml_session_snapshot_write(session, &sink, &call, &error), RUSTML_CANCELLED);
  CHECK_STATUS(rustml_session_restore(other, &source, NULL, &call, &error), RUSTML_CANCELLED);
  CHECK_STATUS(rustml_session_to_buffer(session, buffer, size, &needed, &call, &error), RUSTML_CANCELLED);
  CHECK_STATUS(rustml_session_from_buffer(other, bytes.data, size, NULL, &call, &error), RUSTML_CANCELLED);
  CHECK_STATUS(rustml_session_save(session, "/tmp/rustml-never-written", RUSTML_NUL_TERMINATED, &call, &error), RUSTML_CANCELLED);
  CHECK(access("/tmp/rustml-never-written", F_OK) != 0);
  rustml_cancel_release(cancel);
  bytes.size = size / 2;
  CHECK_STATUS(rustml_session_snapshot_write(session, &sink, NULL, &error), RUSTML_CALLBACK_STOP);
  CHECK(bytes.n_destroyed == 6);
  free(buffer);
  free(bytes.data);
  rustml_session_release(session);
  rustml_session_release(other);
  rustml_model_release(model);
  return finish();
}
