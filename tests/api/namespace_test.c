/* namespace_test MODEL LIBRARY: loaded by dlmopen into a namespace of its own, the library opens a model and computes the same bits as
 * beside the program. Not linked with the library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <rustml.h>
#include <stdio.h>
#include <string.h>

enum { kMost = 100000 };

/* How many logits, or -1. */
static int64_t evaluate(void *library, const char *path, float *logits) {
  const int32_t ids[4] = {10, 20, 30, 40};
  rustml_model *model = NULL;
  rustml_session *session = NULL;
  uint64_t n = 0;
  int bad;
#define FUNCTION(name) __typeof__(&name) p_##name = (__typeof__(&name))(uintptr_t)dlsym(library, #name)
  FUNCTION(rustml_model_open);
  FUNCTION(rustml_model_release);
  FUNCTION(rustml_session_create);
  FUNCTION(rustml_session_eval);
  FUNCTION(rustml_session_logits);
  FUNCTION(rustml_session_release);
  bad = p_rustml_model_open(path, RUSTML_NUL_TERMINATED, NULL, &model, NULL, NULL) != RUSTML_OK ||
        p_rustml_session_create(model, NULL, &session, NULL, NULL) != RUSTML_OK ||
        p_rustml_session_eval(session, ids, 4, NULL, NULL) != RUSTML_OK ||
        p_rustml_session_logits(session, logits, kMost, &n, NULL, NULL) != RUSTML_OK;
  bad |= p_rustml_session_release(session) != RUSTML_OK || p_rustml_model_release(model) != RUSTML_OK;
  return bad ? -1 : (int64_t)n;
}

int main(int argc, char **argv) {
  static float here[kMost], apart[kMost];
  void *beside, *own;
  int64_t n;
  if (argc < 3) return 2;
  beside = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  own = dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW);
  if (!beside || !own) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  n = evaluate(own, argv[1], apart);
  if (n <= 0 || evaluate(beside, argv[1], here) != n || memcmp(here, apart, (size_t)n * sizeof *here) != 0) {
    fprintf(stderr, "%lld logits of the copy in its own namespace, not the same\n", (long long)n);
    return 1;
  }
  printf("%lld logits are the same\n", (long long)n);
  return 0;
}
