/* The stack that calls need. Each group of functions runs on a thread of its own with 64 KiB of stack, painted, and memory below it
 * that nobody may touch; what is left of the paint says how much was needed: 32 KiB at most, as rustml.h states. For every SIMD
 * target of this processor, named or not; the first call of all is made on such a thread too.
 * usage: stack_test MODEL.gguf GOLDEN_DATA [KIB]: SmolLM2 too where RUSTML_SMOLLM2 names it. KIB: stacks of another size, to see how
 * much is needed where it is more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#include "check.h"
#include "painted_stack.h"

enum { kOwn = 256 << 10, kTemplate = 2 << 20, kNeed = 32 << 10, kTokens = 96, kMostOwn = 256 };

static const char *g_model, *g_data, *g_target, *g_real;
static size_t g_stack = 64 << 10, g_most;
static char g_folder[] = "/tmp/rustml-stack-XXXXXX";
static rustml_model *g_open;

/* The library's own threads get painted stacks as large as they ask for. This is what it calls instead of libc's. */
static int (*g_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static struct {
  unsigned char *stack;
  size_t size;
} g_own[kMostOwn];
static int g_n_own;
__attribute__((visibility("default"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *),
                                                          void *argument) {
  pthread_attr_t own;
  size_t size = 0;
  void *stack = NULL;
  int error;
  if (attributes) pthread_attr_getstacksize(attributes, &size);
  if (attributes && pthread_attr_getstack(attributes, &stack, &size) == 0 && (uintptr_t)stack + size != 0)
    return g_create(thread, attributes, work, argument); /* one of on_small_stack */
  CHECK(attributes && g_n_own < kMostOwn); /* a thread that does not say how much stack it gets: as much as the system pleases */
  if (!attributes || g_n_own == kMostOwn) return g_create(thread, attributes, work, argument);
  pthread_attr_init(&own);
  g_own[g_n_own].size = size;
  pthread_attr_setstack(&own, g_own[g_n_own].stack = paint_stack(size), size);
  ++g_n_own;
  error = g_create(thread, &own, work, argument);
  pthread_attr_destroy(&own);
  return error;
}
/* After they have been joined. A thread of ours does what a call does, and the C library's data of a thread lie on its stack too. */
static void check_own_threads(void) {
  size_t most = 0;
  CHECK(g_n_own > 0);
  for (; g_n_own > 0; --g_n_own) {
    const size_t size = g_own[g_n_own - 1].size, used = size - unused_stack(g_own[g_n_own - 1].stack, size);
    CHECK(size == kOwn ? used <= kNeed + (16 << 10)
                       : size == kTemplate && used <= kTemplate / 2); /* a chat template runs on one of its own */
    if (size == kOwn && used > most) most = used;
    free_stack(g_own[g_n_own - 1].stack, size);
  }
  printf("%-8s %-10s %6zu bytes\n", g_target, "(our own)", most);
}

static void call(void *work) { (*(void (**)(void))work)(); }
static void on_small_stack(const char *name, void (*work)(void)) {
  const size_t need = stack_need(g_stack, call, &work);
  if (need > g_most) g_most = need;
  printf("%-8s %-10s %6zu bytes\n", g_target, name, need);
  fflush(stdout);
  ++n_checks;
  if (need <= kNeed) return;
  ++n_failures;
  fprintf(stderr, "%s, target '%s': needs %zu bytes of stack; at most %d are promised\n", name, g_target, need, (int)kNeed);
}

/* ------------------------------------------------------------------------------------------------ the groups */

static int32_t ignore(void *user_data, const rustml_event *event) {
  (void)user_data, (void)event;
  return 0;
}
static rustml_callback callback(void) {
  rustml_callback c;
  rustml_callback_init(&c, sizeof c);
  c.on_event = ignore;
  return c;
}
static rustml_model_options options_of(int32_t n_threads) {
  rustml_model_options options;
  rustml_model_options_init(&options, sizeof options);
  options.n_threads = n_threads;
  options.simd_target.ptr = g_target;
  options.simd_target.len = strlen(g_target);
  options.quantize_min_dim = 1;
  return options;
}
static rustml_model *opened(const char *path, int32_t n_threads) {
  rustml_model *model = NULL;
  rustml_model_options options = options_of(n_threads);
  CHECK_OK(rustml_model_open(path, RUSTML_NUL_TERMINATED, &options, &model, NULL, &error));
  return model;
}
static const char *in(const char *folder, const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static unsigned char *g_file;
static uint64_t g_size;
static int32_t read_file_at(void *user_data, uint64_t offset, void *buf, uint64_t len) {
  (void)user_data;
  memcpy(buf, g_file + offset, len);
  return 0;
}

/* A prompt of kTokens and four more tokens: kernels of many tokens and of one. */
static void answer(rustml_model *model, int32_t kv_type) {
  int32_t ids[kTokens];
  rustml_session_options session_options;
  rustml_session *session = NULL;
  rustml_generation_options options;
  rustml_prompt prompt;
  int i;
  if (!model) return;
  for (i = 0; i < kTokens; ++i) ids[i] = 3 + i % 50;
  rustml_session_options_init(&session_options, sizeof session_options);
  session_options.kv_type = kv_type;
  CHECK_OK(rustml_session_create(model, &session_options, &session, NULL, &error));
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 4;
  options.ignore_eos = 1;
  prompt = ids_prompt(ids, kTokens);
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, NULL, &error));
  CHECK(session_info(session).position == kTokens + 4);
  CHECK(rustml_session_release(session) == RUSTML_OK);
}

static void first(void) { g_open = opened(g_model, 2); }

static void formats(void) {
  static const char *const kNames[] = {"base_f32.gguf",       "base_f16.gguf",        "base_bf16.gguf",       "base_q8_0.gguf",
                                       "base_q4_0.gguf",      "base_q4_1.gguf",       "kquant.gguf",          "llama3_f16.gguf",
                                       "architectures/llama", "architectures/gpt2",   "architectures/gemma3", "architectures/qwen2",
                                       "architectures/qwen3", "architectures/mistral"};
  size_t i;
  int32_t n_threads;
  for (i = 0; i < sizeof kNames / sizeof kNames[0]; ++i) {
    for (n_threads = 1; n_threads <= 2; ++n_threads) {
      rustml_model *model = opened(in(g_data, kNames[i]), n_threads);
      answer(model, (int32_t)i % 3 + RUSTML_KV_F32);
      CHECK(rustml_model_release(model) == RUSTML_OK);
    }
  }
}

static void opening(void) {
  static char text[1 << 20];
  rustml_model_options options = options_of(1);
  rustml_session_options session;
  rustml_memory_plan plan;
  rustml_model_info info;
  rustml_reader reader;
  rustml_model *model = NULL;
  uint64_t needed = 0;
  CHECK_OK(rustml_model_open_memory(g_file, g_size, &options, &model, NULL, &error));
  info.struct_size = sizeof info;
  CHECK_OK(rustml_model_get_info(model, &info, &error));
  CHECK_OK(rustml_model_describe_json(model, text, sizeof text, &needed, &error));
  CHECK(rustml_model_release(model) == RUSTML_OK);
  rustml_reader_init(&reader, sizeof reader);
  reader.size = g_size;
  reader.read_at = read_file_at;
  CHECK_OK(rustml_model_open_reader(&reader, &options, &model, NULL, &error));
  CHECK(rustml_model_release(model) == RUSTML_OK);
  memset(&plan, 0, sizeof plan);
  plan.struct_size = sizeof plan;
  rustml_session_options_init(&session, sizeof session);
  CHECK_OK(rustml_model_plan(in(g_data, "architectures/gemma3"), RUSTML_NUL_TERMINATED, &options, &session, &plan, NULL, &error));
  CHECK(rustml_build_json() != NULL && rustml_abi_layout_json() != NULL);
}

static void errors(void) {
  rustml_model_options options = options_of(2);
  rustml_model *model = NULL;
  rustml_session *session = NULL;
  rustml_error *made;
  char text[1024];
  uint64_t needed = 0;
  int i, n = 0;
  CHECK_STATUS(rustml_model_open("/no/such/file", RUSTML_NUL_TERMINATED, &options, &model, NULL, &error), RUSTML_NOT_FOUND);
  CHECK_STATUS(rustml_model_open(g_folder, RUSTML_NUL_TERMINATED, &options, &model, NULL, &error), RUSTML_NOT_FOUND);
  CHECK_STATUS(rustml_model_open_memory(g_file, g_size / 2, &options, &model, NULL, &error), RUSTML_DATA_LOSS);
  CHECK_STATUS(rustml_model_describe_json((rustml_model *)(uintptr_t)&n, NULL, 0, &needed, &error), RUSTML_INVALID_HANDLE);
  CHECK_STATUS(rustml_session_create(NULL, NULL, &session, NULL, &error), RUSTML_INVALID_HANDLE);
  for (i = 0; i < 63; ++i) n += sprintf(text + n, "{\"k\":");
  n += sprintf(text + n, "[1.5e3]");
  for (i = 0; i < 63; ++i) text[n++] = '}';
  made = rustml_error_create(RUSTML_UNAVAILABLE, "made", 4, text, (uint64_t)n, 0);
  CHECK(rustml_error_code(made) == RUSTML_UNAVAILABLE);
  CHECK(rustml_error_release(made) == RUSTML_OK);
}

static void text(void) {
  static const char kMessages[] = "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi, caf\xC3\xA9\"}]";
  static const char kPiece[] =
      "The capital of France isn't  Paris\n\n 12345 caf\xC3\xA9 \xF0\x9F\x98\x80 \xE4\xB8\xAD\xE6\x96\x87 ((a+b)*c)\t";
  static char words[1 << 16], deep[4096];
  static int32_t ids[1 << 16];
  static char back[1 << 18];
  uint64_t n = 0, needed = 0, i;
  rustml_token_info info;
  memset(words, 'x', sizeof words);
  for (i = 0; i + sizeof kPiece < sizeof words / 2; i += sizeof kPiece - 1) memcpy(words + i, kPiece, sizeof kPiece - 1);
  CHECK_OK(rustml_model_encode(g_open, words, sizeof words, RUSTML_ENCODE_ADD_SPECIAL | RUSTML_ENCODE_PARSE_SPECIAL, ids, 1 << 16, &n, NULL,
                               &error));
  CHECK_OK(rustml_model_decode(g_open, ids, n, 0, back, sizeof back, &needed, &error));
  CHECK_OK(rustml_model_token_bytes(g_open, ids[0], (uint8_t *)back, sizeof back, &needed, &error));
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_model_token_info(g_open, ids[0], &info, &error));
  CHECK_OK(rustml_model_chat_format(g_open, kMessages, RUSTML_NUL_TERMINATED, NULL, back, sizeof back, &needed, NULL, &error));
  /* 64 levels are read, though they are no messages; 65 and 2,000 are not. */
  for (n = 64; n <= 2000; n = n == 64 ? 65 : n == 65 ? 2000 : 2001) {
    memset(deep, '[', n);
    memset(deep + n, ']', n);
    CHECK_STATUS(rustml_model_chat_format(g_open, deep, 2 * n, NULL, back, sizeof back, &needed, NULL, &error), RUSTML_INVALID_ARGUMENT);
  }
}

static void answers(void) {
  static const char *const kStops[] = {"zzz", "never said"};
  static const char kMessages[] = "[{\"role\":\"user\",\"content\":\"Hi\"}]";
  rustml_text stops[2] = {{kStops[0], 3}, {kStops[1], RUSTML_NUL_TERMINATED}};
  rustml_logit_bias bias = {7, 1.5f};
  rustml_callback c = callback();
  rustml_session *session = new_session(g_open);
  rustml_generation *generation = NULL;
  rustml_generation_options options;
  rustml_prompt prompt;
  rustml_event event;
  rustml_result result;
  answer(g_open, RUSTML_KV_F32);
  answer(g_open, RUSTML_KV_F16);
  answer(g_open, RUSTML_KV_Q8_0);
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 12;
  options.temperature = 0.8f, options.top_k = 40, options.top_p = 0.9f, options.min_p = 0.01f, options.typical_p = 0.95f;
  options.repetition_penalty = 1.1f, options.presence_penalty = 0.1f, options.frequency_penalty = 0.1f;
  options.logprobs = 100, options.prefill_events = 1, options.ignore_eos = 1;
  options.logit_bias = &bias, options.n_logit_bias = 1, options.stop_strings = stops, options.n_stop_strings = 2;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_MESSAGES;
  prompt.text.ptr = kMessages, prompt.text.len = RUSTML_NUL_TERMINATED;
  result.struct_size = sizeof result;
  CHECK_OK(rustml_generate(session, &prompt, &options, &c, &result, &error));
  CHECK_OK(rustml_session_reset(session, &error));
  options.temperature = 0, options.prompt_lookup = 7;
  prompt.kind = RUSTML_PROMPT_TEXT;
  prompt.text.ptr = "one two three four one two three four one two three";
  CHECK_OK(rustml_generation_start(session, &prompt, &options, &generation, &error));
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  CHECK_OK(rustml_generation_next(generation, &event, &error));
  CHECK_OK(rustml_generation_next(generation, &event, &error));
  CHECK_OK(rustml_generation_result(generation, &result, &error));
  CHECK_OK(rustml_generation_stop(generation, &error));
  CHECK(rustml_generation_release(generation) == RUSTML_OK);
  CHECK(rustml_session_release(session) == RUSTML_OK);
}

static void searches(void) {
  enum { kPrompts = 5 };
  int32_t ids[8] = {9, 8, 7, 6, 5, 4, 3, 10};
  rustml_callback c = callback();
  rustml_session *session = new_session(g_open);
  rustml_beam_options options;
  rustml_generation_options each;
  const rustml_generation_options *all[kPrompts];
  rustml_prompt prompts[kPrompts];
  int i;
  rustml_beam_options_init(&options, sizeof options);
  options.width = 8, options.n_best = 8, options.max_tokens = 6, options.progress_events = 1;
  prompts[0] = ids_prompt(ids, 8);
  CHECK_OK(rustml_beam_search(session, prompts, &options, &c, NULL, &error));
  CHECK(rustml_session_release(session) == RUSTML_OK);
  rustml_generation_options_init(&each, sizeof each);
  each.max_tokens = 5;
  for (i = 0; i < kPrompts; ++i) all[i] = &each, prompts[i] = ids_prompt(ids, 8 - (uint64_t)i);
  CHECK_OK(rustml_generate_batch(g_open, NULL, prompts, all, kPrompts, &c, NULL, &error));
}

static void snapshots(void) {
  static uint8_t bytes[4 << 20];
  static float logits[1 << 16];
  int32_t ids[40];
  rustml_session *session = new_session(g_open), *other = NULL, *restored = new_session(g_open);
  uint64_t size = 0, needed = 0;
  const char *path = in(g_folder, "state");
  int i;
  for (i = 0; i < 40; ++i) ids[i] = 5 + i;
  CHECK_OK(rustml_session_eval(session, ids, 40, NULL, &error));
  CHECK_OK(rustml_session_logits(session, logits, 1 << 16, &needed, NULL, &error));
  CHECK_OK(rustml_session_fork(session, &other, NULL, &error));
  CHECK_OK(rustml_session_rewind(other, 20, &error));
  CHECK_OK(rustml_session_snapshot_size(session, &size, &error));
  CHECK_OK(rustml_session_to_buffer(session, bytes, sizeof bytes, &needed, NULL, &error));
  CHECK(needed == size);
  CHECK_OK(rustml_session_from_buffer(restored, bytes, size, NULL, NULL, &error));
  CHECK_OK(rustml_session_save(session, path, RUSTML_NUL_TERMINATED, NULL, &error));
  CHECK_OK(rustml_session_load(restored, path, RUSTML_NUL_TERMINATED, NULL, NULL, &error));
  bytes[size / 2] ^= 1;
  CHECK_STATUS(rustml_session_from_buffer(restored, bytes, size, NULL, NULL, &error), RUSTML_DATA_LOSS);
  CHECK_OK(rustml_session_tokens(restored, ids, 40, &needed, &error));
  CHECK(rustml_session_release(session) == RUSTML_OK);
  CHECK(rustml_session_release(other) == RUSTML_OK);
  CHECK(rustml_session_release(restored) == RUSTML_OK);
  unlink(path);
}

static void quantizing(void) {
  static const char *const kSources[] = {"base_f32.gguf", "kquant.gguf", "iq4.gguf", "architectures/llama"};
  char path[64];
  rustml_quantize_options options;
  size_t i;
  snprintf(path, sizeof path, "%s/made.gguf", g_folder);
  rustml_quantize_options_init(&options, sizeof options);
  for (i = 0; i < sizeof kSources / sizeof kSources[0]; ++i) {
    for (options.block_type = RUSTML_TYPE_F32; options.block_type <= RUSTML_TYPE_Q4_0; ++options.block_type) {
      CHECK_OK(rustml_model_quantize(in(g_data, kSources[i]), RUSTML_NUL_TERMINATED, path, RUSTML_NUL_TERMINATED, &options, NULL, &error));
    }
  }
  unlink(path);
}

static void logging(void) {
  rustml_callback c = callback();
  rustml_log_options options;
  rustml_log_options_init(&options, sizeof options);
  options.filter.ptr = "trace";
  options.filter.len = RUSTML_NUL_TERMINATED;
  options.callback = &c;
  CHECK_OK(rustml_log_set(&options, &error));
  answer(g_open, RUSTML_KV_F16);
  opening();
  searches();
  CHECK_OK(rustml_log_set(NULL, &error));
}

static void closing(void) {
  CHECK(rustml_model_release(g_open) == RUSTML_OK);
  g_open = NULL;
}

static void real(void) {
  g_open = opened(g_real, 2);
  text();
  answers();
  snapshots();
  closing();
}

/* Whether rustml_build_json's targets of this processor have it. */
static int is_here(const char *target) {
  char quoted[32];
  const char *list = strstr(rustml_build_json(), "\"simd_targets\""), *end = list ? strchr(list, ']') : NULL, *found;
  snprintf(quoted, sizeof quoted, "\"%s\"", target);
  found = list ? strstr(list, quoted) : NULL;
  return found && found < end;
}

int main(int argc, char **argv) {
#ifdef __x86_64__
  static const char *const kTargets[] = {"", "amx", "avx512", "avxvnni", "avx2", "sse41", "scalar"};
#else
  static const char *const kTargets[] = {"", "neondot", "neon", "scalar"};
#endif
  size_t i, n_targets = 0;
  if (argc < 3) return 2;
  g_model = argv[1];
  g_data = argv[2];
  if (argc > 3) g_stack = (size_t)atoi(argv[3]) << 10;
  g_real = getenv("RUSTML_SMOLLM2");
  g_file = read_file(g_model, &g_size);
  if (!mkdtemp(g_folder)) return 2;
  *(void **)&g_create = dlsym(RTLD_NEXT, "pthread_create");
  for (i = 0; i < sizeof kTargets / sizeof kTargets[0]; ++i) {
    g_target = kTargets[i];
    if (*g_target && !is_here(g_target)) {
      printf("SKIPPED target %s: this processor lacks it (the compiler limits its frames, cmake/hardening.cmake)\n", g_target);
      continue;
    }
    ++n_targets;
    on_small_stack("first", first);
    on_small_stack("opening", opening);
    on_small_stack("formats", formats);
    on_small_stack("errors", errors);
    on_small_stack("text", text);
    on_small_stack("answers", answers);
    on_small_stack("searches", searches);
    on_small_stack("snapshots", snapshots);
    on_small_stack("quantizing", quantizing);
    on_small_stack("logging", logging);
    on_small_stack("closing", closing);
    if (i == 0 && g_real && *g_real) on_small_stack("SmolLM2", real);
    check_own_threads();
    if (n_failures == 0) printf("PASSED target %s\n", *g_target ? g_target : "chosen by the library");
  }
  if (!g_real || !*g_real)
    puts("SKIPPED SmolLM2: set RUSTML_SMOLLM2=$(scripts/fetch-model)");
  else if (n_failures == 0)
    puts("PASSED SmolLM2");
  CHECK(n_targets >= 2);
  printf("%zu bytes of stack at most\n", g_most);
  rmdir(g_folder);
  return finish();
}
