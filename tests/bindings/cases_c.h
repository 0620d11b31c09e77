/* The C runner's reading of cases.json and checking of results. */
#ifndef RUSTML_TESTS_BINDINGS_CASES_C_H
#define RUSTML_TESTS_BINDINGS_CASES_C_H

#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <rustml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 9000
#define FIRST(type, name)        \
  type name;                     \
  memset(&name, 0, sizeof name); \
  name.struct_size = sizeof name
#define TRY(call)                   \
  do {                              \
    int32_t s_ = (call);            \
    if (s_ != RUSTML_OK) return s_; \
  } while (0)

static const char *data_dir, *work_dir, *out_dir, *only = "";
static cJSON *root, *step;
static rustml_error *error;
static rustml_session *session;
static char wrong[4096]; /* what did not hold, empty if all did */
static double began;

/* What one answer brought; several remembered by name. */
typedef struct answer {
  char name[32];
  int32_t ids[MOST];
  int n;
  char text[1 << 16];
  size_t text_len;
  int finish, value, after;
  const char *save_path; /* saved after the `after`-th token */
  rustml_result result;
} answer;
static answer now, saved[4];
static int n_saved;
static struct {
  const char *name;
  rustml_model *model;
} opened[8];

static const struct {
  const char *name;
  int value;
} names[] = {{"OK", RUSTML_OK},
             {"CANCELLED", RUSTML_CANCELLED},
             {"INVALID_ARGUMENT", RUSTML_INVALID_ARGUMENT},
             {"DEADLINE_EXCEEDED", RUSTML_DEADLINE_EXCEEDED},
             {"NOT_FOUND", RUSTML_NOT_FOUND},
             {"PERMISSION_DENIED", RUSTML_PERMISSION_DENIED},
             {"RESOURCE_EXHAUSTED", RUSTML_RESOURCE_EXHAUSTED},
             {"FAILED_PRECONDITION", RUSTML_FAILED_PRECONDITION},
             {"OUT_OF_RANGE", RUSTML_OUT_OF_RANGE},
             {"UNIMPLEMENTED", RUSTML_UNIMPLEMENTED},
             {"INTERNAL", RUSTML_INTERNAL},
             {"UNAVAILABLE", RUSTML_UNAVAILABLE},
             {"DATA_LOSS", RUSTML_DATA_LOSS},
             {"BUSY", RUSTML_BUSY},
             {"INVALID_HANDLE", RUSTML_INVALID_HANDLE},
             {"CALLBACK_STOP", RUSTML_CALLBACK_STOP},
             {"F_NONE", RUSTML_FINISH_NONE},
             {"F_STOP_TOKEN", RUSTML_FINISH_STOP_TOKEN},
             {"F_STOP_STRING", RUSTML_FINISH_STOP_STRING},
             {"F_LENGTH", RUSTML_FINISH_LENGTH},
             {"F_CONTEXT_FULL", RUSTML_FINISH_CONTEXT_FULL},
             {"F_CANCELLED", RUSTML_FINISH_CANCELLED},
             {"F_DEADLINE", RUSTML_FINISH_DEADLINE}};

static int named(const char *prefix, const char *name) {
  char whole[64];
  snprintf(whole, sizeof whole, "%s%s", prefix, name);
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    if (!strcmp(names[i].name, whole)) return names[i].value;
  fprintf(stderr, "unknown name %s\n", whole);
  exit(2);
}

static double ms(void) { return (double)rustml_now_ns() / 1e6; }

/* Fields of the step are taken out as they are used: one left over is unknown. */
static cJSON *taken[64];
static int n_taken;
static cJSON *take(const char *name) {
  cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(step, name);
  if (item) taken[n_taken++] = item;
  return item;
}
static double number(const char *name, double otherwise) {
  cJSON *item = take(name);
  return !item ? otherwise : cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
}
/* cJSON knows doubles only: 2^64 - 1 arrives as 2^64. */
static uint64_t bits(const char *name, uint64_t otherwise) {
  const cJSON *item = take(name);
  return !item ? otherwise : item->valuedouble >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)item->valuedouble;
}
static const char *string(const char *name) {
  cJSON *item = take(name);
  return item ? item->valuestring : NULL;
}
static int read_ids(const cJSON *list, int32_t *ids) {
  int n = 0;
  for (const cJSON *item = list ? list->child : NULL; item; item = item->next) ids[n++] = item->valueint;
  return n;
}
static int prompt_ids(int32_t *ids) {
  int n = read_ids(take("ids"), ids), repeat = (int)number("repeat", 1);
  for (int i = n; i < n * repeat; ++i) ids[i] = ids[i - n];
  return n * repeat;
}

static const char *full_path(const char *path, char *buf) {
  static const char *const keys[] = {"{data}", "{work}", "{out}"};
  const char *const dirs[] = {data_dir, work_dir, out_dir};
  for (int i = 0; i < 3; ++i)
    if (!strncmp(path, keys[i], strlen(keys[i]))) {
      sprintf(buf, "%s%s", dirs[i], path + strlen(keys[i]));
      return buf;
    }
  return strcpy(buf, path);
}

static void check(int holds, const char *what) {
  if (!holds && !*wrong) snprintf(wrong, sizeof wrong, "%s", what);
}
static void publish(const char *prefix, const char *key, const int32_t *ids, int n) {
  printf("PUBLISH %s%s [", prefix, key);
  for (int i = 0; i < n; ++i) printf("%s%d", i ? ", " : "", ids[i]);
  printf("]\n");
}

static const answer *remembered(const char *name) {
  for (int i = 0; i < n_saved; ++i)
    if (!strcmp(saved[i].name, name)) return &saved[i];
  check(0, "nothing was saved under that name");
  return &now;
}
static int same(const answer *a, const answer *b) { return a->n == b->n && !memcmp(a->ids, b->ids, sizeof *a->ids * (size_t)a->n); }

static void check_ids(const char *what, const cJSON *want, const int32_t *ids, int n) {
  static int32_t wanted[MOST];
  if (want) check(read_ids(want, wanted) == n && !memcmp(wanted, ids, sizeof *ids * (size_t)n), what);
}
static void check_text(const cJSON *want, const char *text, size_t len) {
  if (want) check(strlen(want->valuestring) == len && !memcmp(want->valuestring, text, len), "text differs");
}
static void check_position(void) {
  cJSON *want = take("want_position");
  FIRST(rustml_session_info, info);
  rustml_session_get_info(session, &info, NULL);
  if (want) check((int)info.position == want->valueint, "position differs");
}

static rustml_model *model_of(const char *name) {
  char path[4096];
  int i = 0;
  for (; opened[i].name; ++i)
    if (!strcmp(opened[i].name, name)) return opened[i].model;
  opened[i].name = name;
  full_path(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "models"), name)->valuestring, path);
  if (rustml_model_open(path, RUSTML_NUL_TERMINATED, NULL, &opened[i].model, NULL, &error)) exit(2);
  return opened[i].model;
}

static int32_t new_session(const char *model, const cJSON *fields, rustml_session **out) {
  rustml_session_options options;
  rustml_session_options_init(&options, sizeof options);
  for (const cJSON *item = fields ? fields->child : NULL; item; item = item->next) {
    if (!strcmp(item->string, "kv_type")) options.kv_type = !strcmp(item->valuestring, "F32") ? RUSTML_KV_F32 : RUSTML_KV_F16;
    if (!strcmp(item->string, "context_tokens")) options.context_tokens = (uint64_t)item->valuedouble;
    if (!strcmp(item->string, "memory_limit_bytes")) options.memory_limit_bytes = (uint64_t)item->valuedouble;
  }
  return rustml_session_create(model_of(model), &options, out, NULL, &error);
}

#include "cases_c_generated.h"

static rustml_cancel *cancel_of(void) {
  rustml_cancel *cancel = NULL;
  if (number("cancelled", 0) == 0) return NULL;
  rustml_cancel_create(&cancel, NULL);
  rustml_cancel_trigger(cancel, RUSTML_CANCEL_REASON_USER);
  return cancel;
}
static uint64_t deadline_of(const char *name) {
  const double after = number(name, NAN);
  return isnan(after) ? 0 : rustml_deadline_after_ns((int64_t)(after * 1e6));
}
static rustml_call_options call_of(void) {
  rustml_call_options call;
  rustml_call_options_init(&call, sizeof call);
  call.cancel = cancel_of();
  call.deadline_ns = deadline_of("timeout_ms");
  return call;
}

#endif
