/* Checks for the C tests: each program is given the path of a small model and returns 0 if everything held. */
#ifndef CHECK_H
#define CHECK_H
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the tests name the library's functions; another definition calls one of several copies. */
#ifndef LIB
#define LIB(name) name
#endif

static int n_checks, n_failures;

#define CHECK(condition)                                                      \
  do {                                                                        \
    ++n_checks;                                                               \
    if (!(condition)) {                                                       \
      ++n_failures;                                                           \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                         \
  } while (0)

/* The status of `call`, in which the error parameter is spelled `&error`: the object is there exactly when it should be,
 * agrees with the status, and is released. */
#define CHECK_STATUS(call, wanted)                                                                        \
  do {                                                                                                    \
    rustml_error *error = (rustml_error *)(uintptr_t)1;                                                   \
    const int32_t got = (call);                                                                           \
    ++n_checks;                                                                                           \
    if (got != (wanted)) {                                                                                \
      ++n_failures;                                                                                       \
      fprintf(stderr, "%s:%d: %s answered %d (%s), wanted %d\n", __FILE__, __LINE__, #call, (int)got,     \
              error ? LIB(rustml_error_message)(error) : "no error", (int)(wanted));                      \
    }                                                                                                     \
    CHECK((error != NULL) == (got != RUSTML_OK && got != RUSTML_BUFFER_TOO_SMALL && got != RUSTML_DONE)); \
    if (error) CHECK(LIB(rustml_error_code)(error) == got);                                               \
    CHECK(LIB(rustml_error_release)(error) == RUSTML_OK);                                                 \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, RUSTML_OK)

static inline int finish(void) {
  printf("%d checks, %d failures\n", n_checks, n_failures);
  return n_failures ? 1 : 0;
}

static inline rustml_model *open_model(const char *path) {
  rustml_model *model = NULL;
  rustml_error *error = NULL;
  if (LIB(rustml_model_open)(path, RUSTML_NUL_TERMINATED, NULL, &model, NULL, &error) != RUSTML_OK) {
    fprintf(stderr, "%s: %s\n", path, LIB(rustml_error_message)(error));
    exit(2);
  }
  return model;
}

static inline rustml_session *new_session(rustml_model *model) {
  rustml_session *session = NULL;
  rustml_error *error = NULL;
  if (LIB(rustml_session_create)(model, NULL, &session, NULL, &error) != RUSTML_OK) {
    fprintf(stderr, "%s\n", LIB(rustml_error_message)(error));
    exit(2);
  }
  return session;
}

static inline rustml_prompt ids_prompt(const int32_t *ids, uint64_t n) {
  rustml_prompt prompt;
  LIB(rustml_prompt_init)(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids;
  prompt.n_ids = n;
  return prompt;
}

static inline rustml_session_info session_info(rustml_session *session) {
  rustml_session_info info;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(LIB(rustml_session_get_info)(session, &info, &error));
  return info;
}

/* The whole file; the caller frees it. */
static inline unsigned char *read_file(const char *path, uint64_t *size) {
  FILE *file = fopen(path, "rb");
  unsigned char *bytes = NULL;
  long n;
  if (file && fseek(file, 0, SEEK_END) == 0 && (n = ftell(file)) >= 0) {
    rewind(file);
    bytes = (unsigned char *)malloc((size_t)n + 1);
    if (bytes && fread(bytes, 1, (size_t)n, file) == (size_t)n) {
      *size = (uint64_t)n;
      fclose(file);
      return bytes;
    }
  }
  fprintf(stderr, "%s cannot be read\n", path);
  exit(2);
}

#endif
