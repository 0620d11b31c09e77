/* hooks_test MODEL DIRECTORY: a host that uses the system's libcjson with an allocator of its own, as its memory pools. The library
 * has a cJSON of its own: it never calls the host's allocator, nor changes it. */
#include <cjson/cJSON.h>

#include "check.h"

static int n_allocated, n_freed;
static void *host_malloc(size_t size) {
  ++n_allocated;
  return malloc(size);
}
static void host_free(void *memory) {
  ++n_freed;
  free(memory);
}

static const char kMessages[] = "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]";

int main(int argc, char **argv) {
  cJSON_Hooks hooks = {host_malloc, host_free};
  rustml_model *model;
  rustml_error *error;
  char text[256];
  uint64_t needed = 0;
  if (argc < 3) return 2;
  cJSON_InitHooks(&hooks);

  model = open_model(argv[2]); /* its config.json and other files */
  rustml_model_release(model);
  model = open_model(argv[1]);
  CHECK_OK(rustml_model_chat_format(model, kMessages, RUSTML_NUL_TERMINATED, NULL, text, sizeof text, &needed, NULL, &error));
  CHECK_STATUS(rustml_model_chat_format(model, "[{", 2, NULL, text, sizeof text, &needed, NULL, &error), RUSTML_INVALID_ARGUMENT);
  rustml_model_release(model);
  error = rustml_error_create(RUSTML_CALLBACK_STOP, "x", 1, "{\"a\":[1,\"b\"]}", RUSTML_NUL_TERMINATED, 7);
  CHECK(strcmp(rustml_error_detail_json(error), "{\"a\":[1,\"b\"]}") == 0);
  rustml_error_release(error);
  CHECK(n_allocated == 0);
  CHECK(n_freed == 0);

  cJSON_Delete(cJSON_Parse("{\"a\":1}")); /* the host's cJSON is as the host set it */
  CHECK(n_allocated > 0);
  CHECK(n_freed == n_allocated);
  return finish();
}
