/* Opening models in three ways, what is known about them, and every way a file can be wrong before it is read. */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

struct memory {
  const unsigned char *bytes;
  uint64_t size;
  int n_reads, n_destroyed, fail_at;
};
static int32_t read_at(void *user_data, uint64_t offset, void *buf, uint64_t len) {
  struct memory *memory = user_data;
  if (++memory->n_reads == memory->fail_at || offset > memory->size || len > memory->size - offset) return 9;
  memcpy(buf, memory->bytes + offset, len);
  return 0;
}
static void destroy_memory(void *user_data) { ++((struct memory *)user_data)->n_destroyed; }

static int32_t stop_at_once(void *user_data, const rustml_event *event) {
  *(int *)user_data += event->kind == RUSTML_EVENT_PROGRESS && event->done <= event->total;
  return 5;
}

static rustml_model_info model_info(rustml_model *model) {
  rustml_model_info info;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_model_get_info(model, &info, &error));
  return info;
}

static int32_t open_path(const char *path, rustml_error **error) {
  rustml_model *model = (rustml_model *)(uintptr_t)1;
  const int32_t status = rustml_model_open(path, RUSTML_NUL_TERMINATED, NULL, &model, NULL, error);
  CHECK((model != NULL) == (status == RUSTML_OK));
  rustml_model_release(model);
  return status;
}

static void places(const char *directory) {
  char path[512];
  CHECK_STATUS(open_path("/no/such/file.gguf", &error), RUSTML_NOT_FOUND);
  CHECK_STATUS(open_path("", &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(open_path("\xFF", &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(open_path("/dev/null", &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(open_path(directory, &error), RUSTML_NOT_FOUND);
  snprintf(path, sizeof path, "%s/fifo", directory);
  CHECK(mkfifo(path, 0600) == 0);
  CHECK_STATUS(open_path(path, &error), RUSTML_INVALID_ARGUMENT);
  unlink(path);
}

int main(int argc, char **argv) {
  char directory[] = "/tmp/rustml-model-XXXXXX";
  uint64_t size = 0, needed = 0;
  unsigned char *bytes;
  struct memory memory = {0};
  rustml_model *model, *again = NULL;
  rustml_model_info info, other;
  rustml_memory_plan plan;
  rustml_model_options options;
  rustml_call_options call;
  rustml_callback progress;
  rustml_reader reader;
  rustml_cancel *cancel = NULL;
  char *json;
  int n_progress = 0;
  if (argc < 2 || !mkdtemp(directory)) return 2;
  bytes = read_file(argv[1], &size);
  model = open_model(argv[1]);
  info = model_info(model);
  CHECK(info.vocab_size > 0 && info.n_layers > 0 && info.weight_bytes > 0 && info.bytes_now <= info.bytes_peak && info.n_sessions == 0);
  CHECK(info.architecture.len > 0 && info.simd_target.len > 0);
  CHECK(rustml_model_retain(model) == model);
  CHECK(rustml_model_release(model) == RUSTML_OK);

  /* The same bytes in three ways are the same model. */
  CHECK_OK(rustml_model_open_memory(bytes, size, NULL, &again, NULL, &error));
  other = model_info(again);
  CHECK(other.fingerprint_low == info.fingerprint_low && other.fingerprint_high == info.fingerprint_high);
  CHECK(rustml_model_release(again) == RUSTML_OK);
  memory.bytes = bytes;
  memory.size = size;
  rustml_reader_init(&reader, sizeof reader);
  reader.user_data = &memory;
  reader.size = size;
  reader.read_at = read_at;
  reader.destroy = destroy_memory;
  CHECK_OK(rustml_model_open_reader(&reader, NULL, &again, NULL, &error));
  other = model_info(again);
  CHECK(other.fingerprint_low == info.fingerprint_low && other.n_tensors == info.n_tensors);
  CHECK(rustml_model_release(again) == RUSTML_OK);
  CHECK(memory.n_destroyed == 1 && memory.n_reads > 0);
  memory.fail_at = memory.n_reads / 2 + 1;
  memory.n_reads = 0;
  CHECK_STATUS(rustml_model_open_reader(&reader, NULL, &again, NULL, &error), RUSTML_CALLBACK_STOP);
  CHECK(again == NULL && memory.n_destroyed == 2);

  CHECK_OK(rustml_model_describe_json(model, NULL, 0, &needed, &error));
  json = malloc(needed + 1);
  CHECK_OK(rustml_model_describe_json(model, json, needed, &needed, &error));
  CHECK(needed > 2 && json[0] == '{' && json[needed - 1] == '}');
  CHECK_STATUS(rustml_model_describe_json(model, json, needed - 1, &needed, &error), RUSTML_BUFFER_TOO_SMALL);
  free(json);

  memset(&plan, 0, sizeof plan);
  plan.struct_size = sizeof plan;
  CHECK_OK(rustml_model_plan(argv[1], RUSTML_NUL_TERMINATED, NULL, NULL, &plan, NULL, &error));
  CHECK(plan.file_bytes == size && plan.weight_bytes == info.weight_bytes && plan.kv_bytes > 0 && plan.context_tokens > 0);
  CHECK(plan.total_bytes >= plan.weight_bytes + plan.scratch_bytes + plan.kv_bytes);

  /* Cut anywhere, or of another kind: a status and nothing left. */
  CHECK_STATUS(rustml_model_open_memory(bytes, size - 1, NULL, &again, NULL, &error), RUSTML_DATA_LOSS);
  CHECK_STATUS(rustml_model_open_memory(bytes, 10, NULL, &again, NULL, &error), RUSTML_DATA_LOSS);
  CHECK_STATUS(rustml_model_open_memory(NULL, 0, NULL, &again, NULL, &error), RUSTML_DATA_LOSS);
  CHECK_STATUS(rustml_model_open_memory("just some text", 14, NULL, &again, NULL, &error), RUSTML_DATA_LOSS);
  places(directory);

  rustml_call_options_init(&call, sizeof call);
  call.deadline_ns = 1;
  CHECK_STATUS(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &again, &call, &error), RUSTML_DEADLINE_EXCEEDED);
  call.deadline_ns = UINT64_MAX;
  CHECK_OK(rustml_cancel_create(&cancel, &error));
  rustml_cancel_trigger(cancel, RUSTML_CANCEL_REASON_USER);
  call.cancel = cancel;
  CHECK_STATUS(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &again, &call, &error), RUSTML_CANCELLED);
  CHECK_STATUS(rustml_model_plan(argv[1], RUSTML_NUL_TERMINATED, NULL, NULL, &plan, &call, &error), RUSTML_CANCELLED);
  rustml_cancel_release(cancel);
  call.cancel = NULL;
  rustml_callback_init(&progress, sizeof progress);
  progress.on_event = stop_at_once;
  progress.user_data = &n_progress;
  call.progress = &progress;
  CHECK_STATUS(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, NULL, &again, &call, &error), RUSTML_CALLBACK_STOP);
  CHECK(again == NULL && n_progress == 1);

  rustml_model_options_init(&options, sizeof options);
  options.memory_limit_bytes = info.weight_bytes / 2;
  CHECK_STATUS(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, &options, &again, NULL, &error), RUSTML_RESOURCE_EXHAUSTED);
  options.memory_limit_bytes = 0;
  options.simd_target.ptr = "abacus";
  options.simd_target.len = 6;
  CHECK_STATUS(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, &options, &again, NULL, &error), RUSTML_INVALID_ARGUMENT);

  CHECK(rustml_model_release(model) == RUSTML_OK);
  CHECK(rustml_model_release(model) == RUSTML_INVALID_HANDLE);
  CHECK(rustml_model_retain(model) == NULL);
  free(bytes);
  rmdir(directory);
  return finish();
}
