/* two_copies_test MODEL LIBRARY [HUB]: three copies of the library in one process, as when two plugins bring their own. A copy returns
 * RUSTML_INVALID_HANDLE for whatever another gave out, through every function, and the object is as before. Not linked with the library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <rustml_hub.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
#define FUNCTIONS(F) \
  F(rustml_beam_search) F(rustml_call_options_init) F(rustml_cancel_create) F(rustml_cancel_is_triggered) F(rustml_cancel_release) \
  F(rustml_cancel_reset) F(rustml_cancel_retain) F(rustml_cancel_trigger) F(rustml_error_callback_value) F(rustml_error_code) \
  F(rustml_error_create) F(rustml_error_detail_json) F(rustml_error_message) F(rustml_error_release) F(rustml_generate) \
  F(rustml_generate_batch) F(rustml_generation_next) F(rustml_generation_options_init) F(rustml_generation_release) \
  F(rustml_generation_result) F(rustml_generation_resume) F(rustml_generation_retain) F(rustml_generation_start) \
  F(rustml_generation_stop) F(rustml_model_chat_format) F(rustml_model_decode) F(rustml_model_describe_json) F(rustml_model_encode) \
  F(rustml_model_get_info) F(rustml_model_open) F(rustml_model_release) F(rustml_model_retain) F(rustml_model_token_bytes) \
  F(rustml_model_token_info) F(rustml_prompt_init) F(rustml_reader_init) F(rustml_session_create) F(rustml_session_eval) \
  F(rustml_session_fork) F(rustml_session_from_buffer) F(rustml_session_get_info) F(rustml_session_load) F(rustml_session_logits) \
  F(rustml_session_release) F(rustml_session_reset) F(rustml_session_restore) F(rustml_session_retain) F(rustml_session_rewind) \
  F(rustml_session_save) F(rustml_session_snapshot_size) F(rustml_session_snapshot_write) F(rustml_session_to_buffer) \
  F(rustml_session_tokens) F(rustml_sink_init)
/* clang-format on */
struct library {
#define MEMBER(name) __typeof__(&name) name;
  FUNCTIONS(MEMBER)
};
static const struct library *library; /* whose functions are called */
#define LIB(name) (library->name)

#include "check.h"
#include "handle_calls.h"

enum { kCopies = 3, kMany = 3000, kThreads = 2 };
static struct copy {
  struct library functions;
  rustml_model *model;
  rustml_session *session;
  rustml_generation *generation; /* on a session that was released */
  rustml_cancel *cancel;
  rustml_error *error;
} copies[kCopies];
static const char kTypes[] = "msgce";

static void *handle_of(const struct copy *copy, char type) {
  if (type == 'm') return copy->model;
  if (type == 's') return copy->session;
  if (type == 'g') return copy->generation;
  return type == 'c' ? (void *)copy->cancel : (void *)copy->error;
}

static void *load(const char *path) {
  void *loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!loaded) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
  return loaded;
}

static void find_functions(struct library *into, void *loaded) {
#define FIND(name) *(void **)&into->name = dlsym(loaded, #name);
  FUNCTIONS(FIND)
}

/* Another file, so that the loader takes it for another library. */
static void *load_copy_of(const char *path) {
  uint64_t size;
  unsigned char *bytes = read_file(path, &size);
  char name[] = "/tmp/rustml_copy_XXXXXX";
  const int file = mkstemp(name);
  void *loaded;
  if (file < 0 || write(file, bytes, size) != (ssize_t)size || close(file) != 0) {
    fprintf(stderr, "%s cannot be written\n", name);
    exit(2);
  }
  free(bytes);
  loaded = load(name);
  unlink(name);
  return loaded;
}

static void make_one(struct copy *copy, char type, const char *path) {
  library = &copy->functions;
  if (type == 'm') copy->model = open_model(path);
  if (type == 's') {
    copy->session = new_session(copy->model);
    CHECK_OK(LIB(rustml_session_eval)(copy->session, kIds, 4, NULL, &error));
  }
  if (type == 'g') {
    rustml_session *under = new_session(copy->model);
    CHECK_OK(LIB(rustml_generation_start)(under, &good_prompt, NULL, &copy->generation, &error));
    LIB(rustml_session_release)(under);
  }
  if (type == 'c') CHECK_OK(LIB(rustml_cancel_create)(&copy->cancel, &error));
  if (type == 'e') copy->error = LIB(rustml_error_create)(RUSTML_NOT_FOUND, "x", 1, NULL, 0, 0);
}

static void release_one(struct copy *copy, char type) {
  int32_t status = RUSTML_INTERNAL;
  library = &copy->functions;
  if (type == 'm') status = LIB(rustml_model_release)(copy->model);
  if (type == 's') status = LIB(rustml_session_release)(copy->session);
  if (type == 'g') status = LIB(rustml_generation_release)(copy->generation);
  if (type == 'c') status = LIB(rustml_cancel_release)(copy->cancel);
  if (type == 'e') status = LIB(rustml_error_release)(copy->error);
  CHECK(status == RUSTML_OK);
}

static void others_refuse(const struct copy *owner) {
  size_t i, other;
  const char *type;
  for (other = 0; other < kCopies; ++other) {
    if (&copies[other] == owner) continue;
    library = &copies[other].functions;
    session = copies[other].session;
    for (i = 0; i < sizeof kHandleCalls / sizeof kHandleCalls[0]; ++i)
      CHECK_STATUS(kHandleCalls[i].call(handle_of(owner, kHandleCalls[i].type), &error), RUSTML_INVALID_HANDLE);
    for (type = kTypes; *type; ++type) check_no_reference(*type, handle_of(owner, *type));
  }
}

static void is_as_before(const struct copy *owner) {
  library = &owner->functions;
  OUT(rustml_model_info);
  CHECK_OK(LIB(rustml_model_get_info)(owner->model, &out, &error));
  CHECK_OK(LIB(rustml_session_tokens)(owner->session, id_buf, 64, &needed, &error));
  CHECK(needed == 4 && memcmp(id_buf, kIds, sizeof kIds) == 0);
  CHECK(LIB(rustml_cancel_is_triggered)(owner->cancel) == 0);
  CHECK(LIB(rustml_error_code)(owner->error) == RUSTML_NOT_FOUND);
  rustml_event event;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  CHECK_OK(LIB(rustml_generation_next)(owner->generation, &event, &error));
}

/* Round `r` makes the types from another one on (models first, which sessions need), in another order of the copies, and ends with more
 * releases in one copy than in the next: their tables never stand alike for long. */
static void round_of_all(int r, const char *path) {
  int i, k;
  for (k = 0; k < 5; ++k)
    for (i = 0; i < kCopies; ++i)
      make_one(&copies[r & 1 ? (i + r) % kCopies : (kCopies - 1 - i + r) % kCopies], k == 0 ? 'm' : kTypes[1 + (k + r) % 4], path);
  for (i = 0; i < kCopies; ++i) others_refuse(&copies[i]);
  for (i = 0; i < kCopies; ++i) is_as_before(&copies[i]);
  for (i = 0; i < kCopies; ++i) {
    for (k = 0; k < 5; ++k) release_one(&copies[i], kTypes[(k + r) % 5]);
    for (k = 0; k < i * r; ++k) make_one(&copies[i], 'c', path), release_one(&copies[i], 'c');
  }
}

static uint64_t many[kCopies * kThreads * kMany];

static void *make_many(void *copy_and_place) {
  const size_t n = (size_t)(uintptr_t)copy_and_place;
  const struct library *own = &copies[n / kThreads].functions;
  size_t i;
  for (i = 0; i < kMany; ++i) own->rustml_cancel_create((rustml_cancel **)&many[n * kMany + i], NULL);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* All live at once, made by all copies at the same time: no value twice. */
static void many_at_once(void) {
  pthread_t threads[kCopies * kThreads];
  size_t i, n_twice = 0, n_taken = 0;
  for (i = 0; i < kCopies * kThreads; ++i) pthread_create(&threads[i], NULL, make_many, (void *)(uintptr_t)i);
  for (i = 0; i < kCopies * kThreads; ++i) pthread_join(threads[i], NULL);
  for (i = 0; i < kCopies * kThreads * kMany; ++i) {
    const size_t owner = i / (kThreads * kMany), other = (owner + 1 + i % (kCopies - 1)) % kCopies;
    CHECK(many[i] != 0);
    n_taken += copies[other].functions.rustml_cancel_trigger((rustml_cancel *)many[i], 1) != RUSTML_INVALID_HANDLE;
  }
  for (i = 0; i < kCopies * kThreads * kMany; ++i)
    n_taken += copies[i / (kThreads * kMany)].functions.rustml_cancel_release((rustml_cancel *)many[i]) != RUSTML_OK;
  CHECK(n_taken == 0);
  qsort(many, sizeof many / sizeof many[0], sizeof many[0], by_value);
  for (i = 1; i < sizeof many / sizeof many[0]; ++i) n_twice += many[i] == many[i - 1];
  CHECK(n_twice == 0);
}

/* In a child an own handle is one that was inherited, another copy's still none. */
static void after_fork(void) {
  rustml_cancel *own = NULL;
  int status = -1;
  pid_t child;
  copies[0].functions.rustml_cancel_create(&own, NULL);
  child = fork();
  if (child == 0)
    _exit(copies[0].functions.rustml_cancel_trigger(own, 1) == RUSTML_FORKED &&
                  copies[1].functions.rustml_cancel_trigger(own, 1) == RUSTML_INVALID_HANDLE
              ? 0
              : 1);
  waitpid(child, &status, 0);
  CHECK(status == 0);
  copies[0].functions.rustml_cancel_release(own);
}

/* librustml-hub has one core, the first copy: it refuses another's cancel handle, and its errors are its own core's. */
static void hub(const char *path) {
  __typeof__(&rustml_hub_list) list = NULL;
  __typeof__(&rustml_hub_verify) verify = NULL;
  void *loaded = load(path);
  rustml_call_options call;
  rustml_error *error = NULL;
  rustml_hub_options none;
  memset(&none, 0, sizeof none);
  *(void **)&list = dlsym(loaded, "rustml_hub_list");
  *(void **)&verify = dlsym(loaded, "rustml_hub_verify");
  copies[0].functions.rustml_call_options_init(&call, sizeof call);
  CHECK(copies[1].functions.rustml_cancel_create(&call.cancel, NULL) == RUSTML_OK);
  CHECK(verify("a/b", 3, NULL, NULL, &call, &error) == RUSTML_INVALID_HANDLE);
  CHECK(copies[0].functions.rustml_error_code(error) == RUSTML_INVALID_HANDLE &&
        copies[0].functions.rustml_error_release(error) == RUSTML_OK);
  CHECK(copies[1].functions.rustml_cancel_is_triggered(call.cancel) == 0 &&
        copies[1].functions.rustml_cancel_release(call.cancel) == RUSTML_OK);
  CHECK(list(&none, NULL, 0, &needed, &error) == RUSTML_INVALID_ARGUMENT);
  CHECK(strcmp(copies[1].functions.rustml_error_message(error), "error handle is not valid") == 0);
  CHECK(copies[1].functions.rustml_error_release(error) == RUSTML_INVALID_HANDLE);
  CHECK(copies[0].functions.rustml_error_code(error) == RUSTML_INVALID_ARGUMENT &&
        copies[0].functions.rustml_error_release(error) == RUSTML_OK);
}

int main(int argc, char **argv) {
  int i, r;
  if (argc < 3) return 2;
  for (i = 0; i < kCopies; ++i) find_functions(&copies[i].functions, i == 0 ? load(argv[2]) : load_copy_of(argv[2]));
  library = &copies[0].functions;
  good_prompt = ids_prompt(kIds, 4);
  for (r = 0; r < 6; ++r) round_of_all(r, argv[1]);
  many_at_once();
  after_fork();
  if (argc > 3) hub(argv[3]);
  return finish();
}
