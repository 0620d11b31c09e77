/* Every function with handles that are none, pointers that are NULL, structs of impossible sizes, options out of range:
 * each has its exact status, and afterwards the same session still gives the same answer. */
#include <math.h>
#include <stddef.h>

#include "check.h"
#include "handle_calls.h"

static const char *path;
static rustml_model *model;
static rustml_generation *generation; /* on another session */
static rustml_cancel *cancel;

/* ------------------------------------------------------------------------------- handles: every function, good otherwise */

static void *released(char type) {
  void *handle = NULL;
  if (type == 'm') rustml_model_release(handle = open_model(path));
  if (type == 's') rustml_session_release(handle = new_session(model));
  if (type == 'c' && rustml_cancel_create((rustml_cancel **)&handle, NULL) == RUSTML_OK) rustml_cancel_release(handle);
  if (type == 'g') {
    rustml_session *other = new_session(model);
    rustml_generation *made = NULL;
    CHECK_OK(rustml_generation_start(other, &good_prompt, NULL, &made, &error));
    rustml_generation_release(handle = made);
    rustml_session_release(other);
  }
  return handle;
}

static void handles(void) {
  rustml_error *made = rustml_error_create(RUSTML_NOT_FOUND, "x", 1, NULL, 0, 0);
  const struct {
    char type;
    void *handle;
  } real[] = {{'m', model}, {'s', session}, {'g', generation}, {'c', cancel}, {'e', made}};
  const uintptr_t values[] = {0,
                              1,
                              0x7f0000001000u,
                              UINTPTR_MAX,
                              UINT64_C(0x0001000001FFFFFF),
                              UINT64_C(0x0002000001000000),
                              UINT64_C(0x001F000001000001),
                              UINT64_C(0x0200000001000001)};
  size_t i, j;
  for (i = 0; i < sizeof kHandleCalls / sizeof kHandleCalls[0]; ++i) {
    for (j = 0; j < sizeof values / sizeof values[0]; ++j)
      CHECK_STATUS(kHandleCalls[i].call((void *)values[j], &error), RUSTML_INVALID_HANDLE);
    for (j = 0; j < 5; ++j)
      if (real[j].type != kHandleCalls[i].type) CHECK_STATUS(kHandleCalls[i].call(real[j].handle, &error), RUSTML_INVALID_HANDLE);
    CHECK_STATUS(kHandleCalls[i].call(released(kHandleCalls[i].type), &error), RUSTML_INVALID_HANDLE);
  }
  for (j = 0; j < 5; ++j) {
    const char *type;
    for (type = "msgce"; *type; ++type)
      if (real[j].type != *type) check_no_reference(*type, real[j].handle);
  }
  rustml_error_release(made);
}

/* --------------------------------------------------------------------------------------------------- pointers and lengths */

static void pointers(void) {
  const uint64_t huge = UINT64_C(1) << 63;
  const rustml_reader reader = good_reader();
  rustml_model *m;
  rustml_session *s;
  rustml_generation *g;
  rustml_memory_plan plan;
  memset(&plan, 0, sizeof plan);
  plan.struct_size = sizeof plan;
#define REFUSED(call) CHECK_STATUS(call, RUSTML_INVALID_ARGUMENT)
  REFUSED(rustml_model_open(path, RUSTML_NUL_TERMINATED, NULL, NULL, NULL, &error));
  REFUSED(rustml_model_open(NULL, 0, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open(NULL, 5, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open(NULL, RUSTML_NUL_TERMINATED, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open(path, huge, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open("a\0b", 3, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open_memory(NULL, 5, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open_memory("x", huge, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open_memory("x", 1, NULL, NULL, NULL, &error));
  REFUSED(rustml_model_open_reader(NULL, NULL, &m, NULL, &error));
  REFUSED(rustml_model_open_reader(&reader, NULL, NULL, NULL, &error));
  REFUSED(rustml_model_plan(NULL, 4, NULL, NULL, &plan, NULL, &error));
  REFUSED(rustml_model_plan(path, RUSTML_NUL_TERMINATED, NULL, NULL, NULL, NULL, &error));
  REFUSED(rustml_model_quantize(NULL, 4, "/tmp/out", RUSTML_NUL_TERMINATED, NULL, NULL, &error));
  REFUSED(rustml_model_quantize(path, RUSTML_NUL_TERMINATED, NULL, 0, NULL, NULL, &error));
  REFUSED(rustml_model_quantize(path, RUSTML_NUL_TERMINATED, "/tmp", RUSTML_NUL_TERMINATED, NULL, NULL, &error));
  rustml_quantize_options type;
  rustml_quantize_options_init(&type, sizeof type);
  CHECK(type.block_type == RUSTML_TYPE_Q8_0);
  for (type.block_type = 0; type.block_type <= 9; type.block_type += 9)
    REFUSED(rustml_model_quantize(path, RUSTML_NUL_TERMINATED, "/no/such/file", RUSTML_NUL_TERMINATED, &type, NULL, &error));
  type.block_type = RUSTML_TYPE_F32;
  CHECK_STATUS(rustml_model_quantize(path, RUSTML_NUL_TERMINATED, "/no/such/file", RUSTML_NUL_TERMINATED, &type, NULL, &error),
               RUSTML_NOT_FOUND);
  type.flags = 1;
  REFUSED(rustml_model_quantize(path, RUSTML_NUL_TERMINATED, "/no/such/file", RUSTML_NUL_TERMINATED, &type, NULL, &error));
  REFUSED(rustml_model_get_info(model, NULL, &error));
  REFUSED(rustml_model_describe_json(model, NULL, 0, NULL, &error));
  REFUSED(rustml_model_describe_json(model, NULL, 7, &needed, &error));
  REFUSED(rustml_model_encode(model, NULL, 3, 0, id_buf, 64, &needed, NULL, &error));
  REFUSED(rustml_model_encode(model, "x", huge, 0, id_buf, 64, &needed, NULL, &error));
  REFUSED(rustml_model_encode(model, "x", 1, 0, NULL, 64, &needed, NULL, &error));
  REFUSED(rustml_model_encode(model, "x", 1, 0, id_buf, 64, NULL, NULL, &error));
  REFUSED(rustml_model_encode(model, "x", 1, 0x80000000u, id_buf, 64, &needed, NULL, &error));
  REFUSED(rustml_model_decode(model, NULL, 3, 0, text_buf, 64, &needed, &error));
  REFUSED(rustml_model_decode(model, kIds, huge, 0, text_buf, 64, &needed, &error));
  REFUSED(rustml_model_decode(model, kIds, 4, 0, text_buf, 64, NULL, &error));
  REFUSED(rustml_model_decode(model, kIds, 4, 2, text_buf, 64, &needed, &error));
  REFUSED(rustml_model_token_bytes(model, 1, NULL, 1, &needed, &error));
  REFUSED(rustml_model_token_bytes(model, 1, NULL, 0, NULL, &error));
  REFUSED(rustml_model_token_info(model, 1, NULL, &error));
  REFUSED(rustml_model_chat_format(model, NULL, 2, NULL, text_buf, 64, &needed, NULL, &error));
  REFUSED(rustml_model_chat_format(model, "[]", 2, NULL, text_buf, 64, NULL, NULL, &error));
  REFUSED(rustml_session_create(model, NULL, NULL, NULL, &error));
  REFUSED(rustml_session_fork(session, NULL, NULL, &error));
  REFUSED(rustml_session_get_info(session, NULL, &error));
  REFUSED(rustml_session_tokens(session, NULL, 0, NULL, &error));
  REFUSED(rustml_session_eval(session, NULL, 1, NULL, &error));
  REFUSED(rustml_session_eval(session, kIds, huge, NULL, &error));
  REFUSED(rustml_session_logits(session, NULL, 0, NULL, NULL, &error));
  REFUSED(rustml_session_snapshot_size(session, NULL, &error));
  REFUSED(rustml_session_snapshot_write(session, NULL, NULL, &error));
  REFUSED(rustml_session_restore(session, NULL, NULL, NULL, &error));
  REFUSED(rustml_snapshot_probe(NULL, NULL, &error));
  REFUSED(rustml_session_save(session, NULL, 0, NULL, &error));
  REFUSED(rustml_session_save(session, "\xFF", 1, NULL, &error));
  REFUSED(rustml_session_load(session, NULL, 0, NULL, NULL, &error));
  REFUSED(rustml_session_to_buffer(session, NULL, 0, NULL, NULL, &error));
  REFUSED(rustml_session_to_buffer(session, NULL, 1, &needed, NULL, &error));
  REFUSED(rustml_session_from_buffer(session, NULL, 1, NULL, NULL, &error));
  REFUSED(rustml_session_from_buffer(session, (const uint8_t *)"x", huge, NULL, NULL, &error));
  REFUSED(rustml_generation_start(session, &good_prompt, NULL, NULL, &error));
  REFUSED(rustml_generation_start(session, NULL, NULL, &g, &error));
  REFUSED(rustml_generation_resume(session, NULL, NULL, &error));
  REFUSED(rustml_generation_next(generation, NULL, &error));
  REFUSED(rustml_generation_result(generation, NULL, &error));
  REFUSED(rustml_generate(session, NULL, NULL, NULL, NULL, &error));
  REFUSED(rustml_cancel_create(NULL, &error));
  CHECK(rustml_cancel_trigger(cancel, 0) == RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_session_create(NULL, NULL, &s, NULL, &error), RUSTML_INVALID_HANDLE);
  CHECK(s == NULL);
}

/* ----------------------------------------------------------------------------------------------------------- struct sizes */

/* What each function says to a struct whose first bytes are good, of `size` bytes: `call(bytes)`. */
#define STRUCT_CALL(name, T, init, ...)                             \
  static int32_t name(unsigned char *bytes, rustml_error **error) { \
    T *const given = (T *)(void *)bytes;                            \
    __VA_ARGS__;                                                    \
  }                                                                 \
  static void name##_init(unsigned char *bytes) {                   \
    T *const given = (T *)(void *)bytes;                            \
    given->struct_size = sizeof(T);                                 \
    init;                                                           \
  }
STRUCT_CALL(z_model, rustml_model_options, rustml_model_options_init(given, sizeof *given), rustml_memory_plan plan;
            plan.struct_size = sizeof plan; return rustml_model_plan(path, RUSTML_NUL_TERMINATED, given, NULL, &plan, NULL, error))
STRUCT_CALL(z_session, rustml_session_options, (void)0, rustml_session *out;
            const int32_t status = rustml_session_create(model, given, &out, NULL, error); rustml_session_release(out); return status)
STRUCT_CALL(z_call, rustml_call_options, (void)0, return rustml_model_encode(model, "x", 1, 0, id_buf, 64, &needed, given, error))
STRUCT_CALL(z_log, rustml_log_options, (void)0, return rustml_log_set(given, error))
STRUCT_CALL(z_chat, rustml_chat_options, (void)0,
            return rustml_model_chat_format(model, "[{\"role\":\"user\",\"content\":\"x\"}]", RUSTML_NUL_TERMINATED, given, text_buf, 4096,
                                            &needed, NULL, error))
STRUCT_CALL(z_generation, rustml_generation_options, rustml_generation_options_init(given, sizeof *given), rustml_generation *out;
            const int32_t status = rustml_generation_start(session, &good_prompt, given, &out, error); rustml_generation_release(out);
            return status)
STRUCT_CALL(z_model_info, rustml_model_info, (void)0, return rustml_model_get_info(model, given, error))
STRUCT_CALL(z_session_info, rustml_session_info, (void)0, return rustml_session_get_info(session, given, error))
STRUCT_CALL(z_token_info, rustml_token_info, (void)0, return rustml_model_token_info(model, 1, given, error))
STRUCT_CALL(z_plan, rustml_memory_plan, (void)0, return rustml_model_plan(path, RUSTML_NUL_TERMINATED, NULL, NULL, given, NULL, error))
STRUCT_CALL(z_result, rustml_result, (void)0, return rustml_generation_result(generation, given, error))

static const struct {
  int32_t (*call)(unsigned char *bytes, rustml_error **error);
  void (*init)(unsigned char *bytes);
  uint32_t size;
  int is_output;
} kStructCalls[] = {{z_model, z_model_init, sizeof(rustml_model_options), 0},
                    {z_session, z_session_init, sizeof(rustml_session_options), 0},
                    {z_call, z_call_init, sizeof(rustml_call_options), 0},
                    {z_log, z_log_init, sizeof(rustml_log_options), 0},
                    {z_chat, z_chat_init, sizeof(rustml_chat_options), 0},
                    {z_generation, z_generation_init, sizeof(rustml_generation_options), 0},
                    {z_model_info, z_model_info_init, sizeof(rustml_model_info), 1},
                    {z_session_info, z_session_info_init, sizeof(rustml_session_info), 1},
                    {z_token_info, z_token_info_init, sizeof(rustml_token_info), 1},
                    {z_plan, z_plan_init, sizeof(rustml_memory_plan), 1},
                    {z_result, z_result_init, sizeof(rustml_result), 1}};

static void sizes(void) {
  static union {
    unsigned char bytes[70000];
    uint64_t align;
  } memory;
  static const uint32_t impossible[] = {0, 1, 4, 7, 65537, UINT32_MAX};
  size_t i, j;
  for (i = 0; i < sizeof kStructCalls / sizeof kStructCalls[0]; ++i) {
    const uint32_t size = kStructCalls[i].size;
    uint32_t set;
#define WITH_SIZE(value) \
  (memset(memory.bytes, 0, sizeof memory.bytes), kStructCalls[i].init(memory.bytes), set = (value), memcpy(memory.bytes, &set, sizeof set))
    for (j = 0; j < sizeof impossible / sizeof impossible[0]; ++j) {
      WITH_SIZE(impossible[j]);
      REFUSED(kStructCalls[i].call(memory.bytes, &error));
    }
    WITH_SIZE(8); /* an older caller */
    CHECK_OK(kStructCalls[i].call(memory.bytes, &error));
    WITH_SIZE(size);
    CHECK_OK(kStructCalls[i].call(memory.bytes, &error));
    WITH_SIZE(size + 24); /* a newer caller who uses nothing new */
    CHECK_OK(kStructCalls[i].call(memory.bytes, &error));
    WITH_SIZE(65536);
    CHECK_OK(kStructCalls[i].call(memory.bytes, &error));
    WITH_SIZE(size + 24);
    memory.bytes[size + 23] = 1;
    if (kStructCalls[i].is_output) {
      CHECK_OK(kStructCalls[i].call(memory.bytes, &error)); /* zeroed beyond our fields */
      CHECK(memory.bytes[size + 23] == 0);
    } else {
      REFUSED(kStructCalls[i].call(memory.bytes, &error));
    }
  }
}

/* ---------------------------------------------------------------------------------------------------------------- options */

static int32_t start_with(const rustml_generation_options *options, const rustml_prompt *prompt, rustml_error **error) {
  rustml_generation *out = (rustml_generation *)(uintptr_t)1;
  const int32_t status = rustml_generation_start(session, prompt, options, &out, error);
  CHECK((out != NULL) == (status == RUSTML_OK));
  rustml_generation_release(out);
  return status;
}

#define FIELD(name) offsetof(rustml_generation_options, name)
static void sampling(void) {
  static const struct {
    size_t offset;
    double low, high; /* allowed, and 1 is always */
    int low_is_allowed;
  } floats[] = {{FIELD(temperature), 0, 1e30, 1},
                {FIELD(top_p), 0, 1, 0},
                {FIELD(min_p), 0, 1, 1},
                {FIELD(typical_p), 0, 1, 0},
                {FIELD(repetition_penalty), 0, 1e30, 0},
                {FIELD(presence_penalty), -100, 100, 1},
                {FIELD(frequency_penalty), -100, 100, 1}};
  const float values[] = {NAN, INFINITY, -INFINITY, 0, -0.5f, -101, 0.5f, 1, 1.5f, 101, 1e20f};
  static const struct {
    size_t offset;
    uint32_t value; /* also of int32_t fields */
    int32_t status;
  } whole[] = {{FIELD(top_k), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {FIELD(top_k), 0x80000000u, RUSTML_INVALID_ARGUMENT},
               {FIELD(top_k), 0x7FFFFFFF, RUSTML_OK},
               {FIELD(logprobs), 100, RUSTML_OK},
               {FIELD(logprobs), 101, RUSTML_INVALID_ARGUMENT},
               {FIELD(logprobs), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {FIELD(repetition_window), UINT32_MAX, RUSTML_OK},
               {FIELD(flags), 1, RUSTML_INVALID_ARGUMENT},
               {FIELD(flags), 0x80000000u, RUSTML_INVALID_ARGUMENT},
               {FIELD(reserved0), 1, RUSTML_INVALID_ARGUMENT},
               {FIELD(prompt_lookup), 16, RUSTML_OK},
               {FIELD(prompt_lookup), 17, RUSTML_INVALID_ARGUMENT},
               {FIELD(reserved1), 1, RUSTML_INVALID_ARGUMENT},
               {FIELD(ignore_eos), 2, RUSTML_INVALID_ARGUMENT},
               {FIELD(prefill_events), 2, RUSTML_INVALID_ARGUMENT},
               {FIELD(on_stop), 2, RUSTML_INVALID_ARGUMENT},
               {FIELD(on_stop), UINT32_MAX, RUSTML_INVALID_ARGUMENT}};
  rustml_generation_options options;
  size_t i, j;
  for (i = 0; i < sizeof floats / sizeof floats[0]; ++i)
    for (j = 0; j < sizeof values / sizeof values[0]; ++j) {
      const float value = values[j];
      const int failures = n_failures;
      const int allowed = value <= floats[i].high && (value > floats[i].low || (floats[i].low_is_allowed && value == floats[i].low));
      rustml_generation_options_init(&options, sizeof options);
      memcpy((char *)&options + floats[i].offset, &value, sizeof value);
      CHECK_STATUS(start_with(&options, &good_prompt, &error), allowed ? RUSTML_OK : RUSTML_INVALID_ARGUMENT);
      if (n_failures > failures) fprintf(stderr, "float field %d at %g\n", (int)i, (double)value);
    }
  for (i = 0; i < sizeof whole / sizeof whole[0]; ++i) {
    rustml_generation_options_init(&options, sizeof options);
    memcpy((char *)&options + whole[i].offset, &whole[i].value, sizeof whole[i].value);
    CHECK_STATUS(start_with(&options, &good_prompt, &error), whole[i].status);
  }
}

static void lists(void) {
  rustml_generation_options options;
  rustml_logit_bias bias = {-1, 0};
  rustml_text stop = {"", 0};
  int32_t id = -1;
#define AGAIN rustml_generation_options_init(&options, sizeof options)
  AGAIN, options.n_logit_bias = 1;
  REFUSED(start_with(&options, &good_prompt, &error));
  options.logit_bias = &bias;
  REFUSED(start_with(&options, &good_prompt, &error));
  bias.id = INT32_MAX;
  REFUSED(start_with(&options, &good_prompt, &error));
  bias.id = 1, bias.bias = NAN;
  REFUSED(start_with(&options, &good_prompt, &error));
  bias.bias = INFINITY;
  REFUSED(start_with(&options, &good_prompt, &error));
  bias.bias = -INFINITY;
  CHECK_OK(start_with(&options, &good_prompt, &error));
  options.n_logit_bias = UINT64_C(1) << 63;
  REFUSED(start_with(&options, &good_prompt, &error));
  AGAIN, options.n_stop_strings = 1;
  REFUSED(start_with(&options, &good_prompt, &error));
  options.stop_strings = &stop;
  REFUSED(start_with(&options, &good_prompt, &error));
  stop.ptr = NULL, stop.len = 4;
  REFUSED(start_with(&options, &good_prompt, &error));
  stop.ptr = "\xFFzz";
  REFUSED(start_with(&options, &good_prompt, &error));
  stop.ptr = "stop", stop.len = RUSTML_NUL_TERMINATED;
  CHECK_OK(start_with(&options, &good_prompt, &error));
  AGAIN, options.n_stop_ids = 1;
  REFUSED(start_with(&options, &good_prompt, &error));
  options.stop_ids = &id;
  REFUSED(start_with(&options, &good_prompt, &error));
  id = INT32_MAX;
  REFUSED(start_with(&options, &good_prompt, &error));
  id = 5;
  CHECK_OK(start_with(&options, &good_prompt, &error));
}

static void prompts(void) {
  rustml_prompt prompt;
  int32_t *many = calloc(100000, sizeof *many);
  const int32_t wrong[3] = {-1, INT32_MAX, 1000000};
  int i;
#define FRESH (prompt = good_prompt)
  static const int32_t kinds[] = {-1, 3, INT32_MAX};
  for (i = 0; i < 3; ++i) {
    FRESH, prompt.kind = kinds[i];
    REFUSED(start_with(NULL, &prompt, &error));
    FRESH, prompt.ids = &wrong[i], prompt.n_ids = 1;
    REFUSED(start_with(NULL, &prompt, &error));
  }
  FRESH, prompt.ids = NULL;
  REFUSED(start_with(NULL, &prompt, &error));
  FRESH, prompt.n_ids = 0;
  REFUSED(start_with(NULL, &prompt, &error));
  FRESH, prompt.n_ids = UINT64_C(1) << 63;
  REFUSED(start_with(NULL, &prompt, &error));
  FRESH, prompt.flags = 1;
  REFUSED(start_with(NULL, &prompt, &error));
  FRESH, prompt.reserved0 = 1;
  REFUSED(start_with(NULL, &prompt, &error));
  FRESH, prompt.ids = many, prompt.n_ids = 100000;
  CHECK_STATUS(start_with(NULL, &prompt, &error), RUSTML_OUT_OF_RANGE);
  FRESH, prompt.kind = RUSTML_PROMPT_TEXT, prompt.flags = 4;
  REFUSED(start_with(NULL, &prompt, &error));
  prompt.flags = 0, prompt.text.ptr = "\x80", prompt.text.len = 1;
  REFUSED(start_with(NULL, &prompt, &error));
  prompt.text.ptr = NULL;
  REFUSED(start_with(NULL, &prompt, &error));
  prompt.text.ptr = "plain";
  prompt.text.len = RUSTML_NUL_TERMINATED;
  CHECK_OK(start_with(NULL, &prompt, &error));
  prompt.kind = RUSTML_PROMPT_MESSAGES;
  REFUSED(start_with(NULL, &prompt, &error));
  free(many);
}

static void model_options(void) {
  static const struct {
    size_t offset;
    uint32_t value;
    int32_t status;
  } cases[] = {{offsetof(rustml_model_options, n_threads), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, n_threads), 257, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, n_threads), 1000000, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, quantize), 1, RUSTML_OK},
               {offsetof(rustml_model_options, quantize), 2, RUSTML_OK},
               {offsetof(rustml_model_options, quantize), 3, RUSTML_OK},
               {offsetof(rustml_model_options, quantize), 4, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, quantize), UINT32_MAX, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, quantize_min_dim), 0, RUSTML_OK},
               {offsetof(rustml_model_options, quantize_min_dim), UINT32_MAX, RUSTML_OK},
               {offsetof(rustml_model_options, reserved0), 1, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, warmup), 2, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, check_tensors), 2, RUSTML_INVALID_ARGUMENT},
               {offsetof(rustml_model_options, check_tensors), 1, RUSTML_OK},
               {offsetof(rustml_model_options, flags), 1, RUSTML_INVALID_ARGUMENT}};
  rustml_session_options session_options;
  rustml_session *out;
  size_t i;
  for (i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    rustml_model_options options;
    rustml_model *opened = NULL;
    rustml_model_options_init(&options, sizeof options);
    memcpy((char *)&options + cases[i].offset, &cases[i].value, sizeof cases[i].value);
    CHECK_STATUS(rustml_model_open(path, RUSTML_NUL_TERMINATED, &options, &opened, NULL, &error), cases[i].status);
    CHECK((opened != NULL) == (cases[i].status == RUSTML_OK));
    rustml_model_release(opened);
  }
  for (i = 0; i < 3; ++i) {
    rustml_session_options_init(&session_options, sizeof session_options);
    if (i == 0) session_options.kv_type = 4;
    if (i == 1) session_options.kv_type = -1;
    if (i == 2) session_options.reserved0 = 1;
    REFUSED(rustml_session_create(model, &session_options, &out, NULL, &error));
  }
}

static void answer(int32_t *ids) {
  rustml_generation_options options;
  uint64_t n = 0;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 8;
  options.ignore_eos = 1;
  CHECK_OK(rustml_session_reset(session, &error));
  CHECK_OK(rustml_generate(session, &good_prompt, &options, NULL, NULL, &error));
  CHECK_OK(rustml_session_tokens(session, ids, 32, &n, &error));
}

int main(int argc, char **argv) {
  rustml_session *other;
  int32_t before[32] = {0}, after[32] = {0};
  if (argc < 2) return 2;
  path = argv[1];
  model = open_model(path);
  session = new_session(model);
  other = new_session(model);
  good_prompt = ids_prompt(kIds, 4);
  CHECK_OK(rustml_generation_start(other, &good_prompt, NULL, &generation, &error));
  CHECK_OK(rustml_cancel_create(&cancel, &error));
  answer(before);
  handles();
  pointers();
  sizes();
  sampling();
  lists();
  prompts();
  model_options();
  answer(after);
  CHECK(memcmp(before, after, sizeof before) == 0);
  rustml_cancel_release(cancel);
  rustml_generation_release(generation);
  rustml_session_release(other);
  rustml_session_release(session);
  rustml_model_release(model);
  return finish();
}
