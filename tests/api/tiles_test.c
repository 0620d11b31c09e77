/* The permission for AMX tile registers: asked of Linux when a model is opened that uses them, not before, not for others. */
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "check.h"

/* Whether this process may use the tiles: 1, 0; -1 where there is nothing to ask. */
static int permitted(void) {
#if defined(__linux__) && defined(__x86_64__)
  enum { kGetPermitted = 0x1022, kTileData = 18 };
  uint64_t features = 0;
  if (syscall(SYS_arch_prctl, kGetPermitted, &features) == 0) return (int)(features >> kTileData & 1);
#endif
  return -1;
}

static rustml_text opened_with(const char *path, const char *target) {
  static char name[32];
  rustml_model_options options;
  rustml_model_info info = {.struct_size = sizeof info};
  rustml_model *model = NULL;
  rustml_text text = {name, 0};
  rustml_model_options_init(&options, sizeof options);
  options.simd_target.ptr = target;
  options.simd_target.len = strlen(target);
  CHECK_OK(rustml_model_open(path, RUSTML_NUL_TERMINATED, &options, &model, NULL, &error));
  CHECK_OK(rustml_model_get_info(model, &info, &error));
  text.len = info.simd_target.len;
  memcpy(name, info.simd_target.ptr, text.len);
  rustml_model_release(model);
  return text;
}

int main(int argc, char **argv) {
  const int before = permitted();
  const int listed = strstr(rustml_build_json(), "\"simd_targets\":[\"amx\"") != NULL;
  int used;
  if (argc < 2) return 2;
  CHECK(before != 1 && permitted() == before);
  CHECK(opened_with(argv[1], "scalar").len == 6);
  CHECK(permitted() == before);
  used = memcmp(opened_with(argv[1], "").ptr, "amx", 3) == 0;
  CHECK(used == (permitted() == 1));
  CHECK(used == listed); /* no small signal stack here: what is offered is granted */
  if (!listed) printf("this processor or system has no tiles: they are never asked for\n");
  return finish();
}
