/* Load, use, unload, a hundred times over: each round ends with as many threads as it began. Not linked with the library. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <rustml.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int n_threads(void) {
  DIR *tasks = opendir("/proc/self/task");
  int n = -2;
  while (tasks && readdir(tasks)) ++n;
  if (tasks) closedir(tasks);
  return n;
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) fprintf(stderr, "no %s\n", name);
  return found;
}

static int one_round(const char *library_path, const char *model_path) {
  int32_t (*open)(const char *, uint64_t, const rustml_model_options *, rustml_model **, const rustml_call_options *, rustml_error **);
  int32_t (*create)(rustml_model *, const rustml_session_options *, rustml_session **, const rustml_call_options *, rustml_error **);
  int32_t (*eval)(rustml_session *, const int32_t *, uint64_t, const rustml_call_options *, rustml_error **);
  int32_t (*release_session)(rustml_session *);
  int32_t (*release_model)(rustml_model *);
  const int32_t ids[4] = {10, 20, 30, 40};
  rustml_model *model = NULL;
  rustml_session *session = NULL;
  int good;
  void *library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 0;
  }
  *(void **)&open = symbol(library, "rustml_model_open");
  *(void **)&create = symbol(library, "rustml_session_create");
  *(void **)&eval = symbol(library, "rustml_session_eval");
  *(void **)&release_session = symbol(library, "rustml_session_release");
  *(void **)&release_model = symbol(library, "rustml_model_release");
  good = open && create && eval && release_session && release_model &&
         open(model_path, RUSTML_NUL_TERMINATED, NULL, &model, NULL, NULL) == RUSTML_OK &&
         create(model, NULL, &session, NULL, NULL) == RUSTML_OK && eval(session, ids, 4, NULL, NULL) == RUSTML_OK &&
         release_model(model) == RUSTML_OK && release_session(session) == RUSTML_OK;
  return dlclose(library) == 0 && good;
}

int main(int argc, char **argv) {
  const int before = n_threads(); /* a sanitizer has its own */
  int i, j;
  if (argc < 3) return 2;
  for (i = 0; i < 100; ++i) {
    if (!one_round(argv[2], argv[1])) {
      fprintf(stderr, "round %d failed\n", i);
      return 1;
    }
    /* A thread is listed until it is quite gone, which is a little after it can be joined. */
    for (j = 0; j < 20000 && n_threads() != before; ++j) usleep(1000);
    if (n_threads() != before) {
      fprintf(stderr, "round %d left %d threads\n", i, n_threads() - before);
      return 1;
    }
  }
  printf("100 rounds\n");
  return 0;
}
