/* Every function of rustml.h that needs memory, while allocations fail. MODEL.gguf DIRECTORY SHARDS N_THREADS once|after */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sweep.h"

#define TEXT(literal) \
  (rustml_text) { literal, sizeof literal - 1 }
enum { kSnapshotBytes = 1 << 22, kModelBytes = 1 << 20 };

static const char *path, *directory, *shards;
static uint32_t n_threads;
static char file_bytes[kModelBytes], text[1 << 16], save_path[64], gguf_path[64];
static uint64_t n_file_bytes, n_snapshot, needed;
static uint8_t *snapshot;
static rustml_model *model;
static rustml_session *session, *forked;
static rustml_generation *generation;
static int other_model; /* `model` is not the one of MODEL.gguf */

static int32_t on_event(void *user_data, const rustml_event *event) {
  (void)user_data;
  if (event->kind == RUSTML_EVENT_LOG || event->kind == RUSTML_EVENT_PROGRESS) return 0;
  sweep_answer(&event->kind, sizeof event->kind);
  sweep_answer(&event->token_id, sizeof event->token_id);
  sweep_answer(event->text, event->text_len);
  sweep_answer(&event->finish, sizeof event->finish);
  if (event->kind == RUSTML_EVENT_BEAM) sweep_answer(event->ids, event->n_ids * sizeof *event->ids);
  for (uint32_t i = 0; i < event->n_top; ++i) sweep_answer(&event->top[i], 8);
  return 0;
}
static rustml_callback events(void) {
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  return callback;
}
static rustml_prompt text_prompt(rustml_text given) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = given;
  return prompt;
}
static rustml_prompt prompt(void) { return text_prompt(TEXT("The time of the world and the")); }
static rustml_generation_options all_options(void) {
  static rustml_text stops[3] = {{"zzqq", 4}, {"never this", 10}, {"\xc3\xa9\xc3\xa9", 4}};
  rustml_generation_options options;
  rustml_generation_options_init(&options, sizeof options);
  options.max_tokens = 8;
  options.ignore_eos = 1;
  options.stop_strings = stops;
  options.n_stop_strings = 3;
  options.logprobs = 5;
  options.temperature = 0.9f;
  options.top_k = 40;
  options.top_p = 0.95f;
  options.min_p = 0.01f;
  options.typical_p = 0.98f;
  options.repetition_penalty = 1.1f;
  options.seed = 7;
  return options;
}
static rustml_model_options model_options(void) {
  rustml_model_options options;
  rustml_model_options_init(&options, sizeof options);
  options.n_threads = n_threads;
  return options;
}

static int32_t nothing(rustml_error **error) {
  (void)error;
  return RUSTML_OK;
}
static int32_t open_at(const char *where, rustml_error **error) {
  rustml_model_options options = model_options();
  other_model = strcmp(where, path) != 0;
  return rustml_model_open(where, RUSTML_NUL_TERMINATED, &options, &model, NULL, error);
}
static int32_t open_memory(rustml_error **error) {
  rustml_model_options options = model_options();
  other_model = 0;
  return rustml_model_open_memory(file_bytes, n_file_bytes, &options, &model, NULL, error);
}
static int32_t open_path(rustml_error **error) { return open_at(path, error); }
static int32_t open_directory(rustml_error **error) { return open_at(directory, error); }
static int32_t open_shards(rustml_error **error) { return open_at(shards, error); }
static int32_t expect_not_found(int32_t status, rustml_error **error) {
  if (status != RUSTML_NOT_FOUND) return status == RUSTML_OK ? RUSTML_INTERNAL : status;
  rustml_error_release(*error);
  *error = NULL;
  return RUSTML_OK;
}
static int32_t open_no_model(rustml_error **error) {
  return expect_not_found(open_at("/", error), error);
} /* its names are listed for a hint */
static int32_t open_absent(rustml_error **error) { return expect_not_found(open_at("/absent/model.gguf", error), error); }
static int32_t create_session(rustml_error **error) { return rustml_session_create(model, NULL, &session, NULL, error); }
static int32_t with_session(rustml_error **error) {
  const int32_t status = open_memory(error);
  return status ? status : create_session(error);
}
static int32_t generate(rustml_error **error) {
  rustml_callback callback = events();
  rustml_prompt given = prompt();
  rustml_generation_options options = all_options();
  return rustml_generate(session, &given, &options, &callback, NULL, error);
}
static int32_t with_tokens(rustml_error **error) {
  const int32_t status = with_session(error);
  return status ? status : generate(error);
}

static int32_t encode_and_decode(rustml_error **error) {
  static int32_t ids[256];
  int32_t status = rustml_model_encode(model, "Hello the <s> world \xc3\xa9\xf0\x9f\x98\x80 and so on", RUSTML_NUL_TERMINATED, 3, ids, 256,
                                       &needed, NULL, error);
  if (status) return status;
  const uint64_t n = needed;
  sweep_answer(ids, n * sizeof *ids);
  status = rustml_model_decode(model, ids, n, 0, text, sizeof text, &needed, error);
  if (!status) sweep_answer(text, needed);
  return status;
}
static int32_t chat(rustml_error **error) {
  rustml_callback callback = events();
  rustml_prompt given = text_prompt(TEXT("[{\"role\":\"system\",\"content\":\"be\"},{\"role\":\"user\",\"content\":\"hi the <s>\"}]"));
  given.kind = RUSTML_PROMPT_MESSAGES;
  rustml_generation_options options = all_options();
  options.max_tokens = 4;
  return rustml_generate(session, &given, &options, &callback, NULL, error);
}
static int32_t chat_format(rustml_error **error) {
  const int32_t status =
      rustml_model_chat_format(model, "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"ho\"}]",
                               RUSTML_NUL_TERMINATED, NULL, text, sizeof text, &needed, NULL, error);
  if (!status) sweep_answer(text, needed);
  return status;
}
static int32_t pull(rustml_error **error) {
  for (;;) {
    rustml_event event = {.struct_size = sizeof event};
    const int32_t status = rustml_generation_next(generation, &event, error);
    if (status == RUSTML_DONE) return RUSTML_OK;
    if (status) return status;
    on_event(NULL, &event);
  }
}
static int32_t pull_with_lookup(rustml_error **error) {
  rustml_prompt given = prompt();
  rustml_generation_options options = all_options();
  options.prompt_lookup = 4;
  int32_t status = rustml_generation_start(session, &given, &options, &generation, error);
  if (!status) status = pull(error);
  rustml_result result = {.struct_size = sizeof result};
  if (!status) status = rustml_generation_result(generation, &result, error);
  if (!status) sweep_answer(&result.generated_tokens, 8);
  return status ? status : rustml_generation_stop(generation, error);
}
static int32_t beam_search(rustml_error **error) {
  rustml_callback callback = events();
  rustml_prompt given = prompt();
  rustml_beam_options options;
  rustml_beam_options_init(&options, sizeof options);
  options.width = 4;
  options.n_best = 3;
  options.max_tokens = 6;
  options.ignore_eos = 1;
  return rustml_beam_search(session, &given, &options, &callback, NULL, error);
}
static int32_t batch(rustml_error **error) {
  rustml_prompt prompts[3] = {prompt(), text_prompt(TEXT("of")), prompt()};
  rustml_result results[3] = {{.struct_size = sizeof *results}, {.struct_size = sizeof *results}, {.struct_size = sizeof *results}};
  rustml_generation_options given = all_options();
  given.max_tokens = 5;
  const rustml_generation_options *options[3] = {&given, &given, &given};
  const int32_t status = rustml_generate_batch(model, NULL, prompts, options, 3, NULL, results, error);
  for (int i = 0; i < 3 && !status; ++i) {
    if (results[i].status) return results[i].status; /* one sequence may lack memory and the others go on */
    sweep_answer(&results[i].generated_tokens, 8);
    sweep_answer(&results[i].finish, 4);
  }
  return status;
}
static int32_t take_snapshot(rustml_error **error) {
  int32_t status = rustml_session_snapshot_size(session, &needed, error);
  if (!status) status = rustml_session_to_buffer(session, snapshot, kSnapshotBytes, &n_snapshot, NULL, error);
  if (!status) sweep_answer(snapshot, n_snapshot);
  return status;
}
static int32_t with_snapshot(rustml_error **error) {
  int32_t status = with_tokens(error);
  if (!status) status = take_snapshot(error);
  return status ? status : rustml_session_reset(session, error);
}
static int32_t restore(rustml_error **error) {
  rustml_restore_info info = {.struct_size = sizeof info};
  const int32_t status = rustml_session_from_buffer(session, snapshot, n_snapshot, &info, NULL, error);
  if (!status) sweep_answer(&info.n_tokens, 8);
  return status;
}
static int32_t save_and_load(rustml_error **error) {
  const int32_t status = rustml_session_save(session, save_path, RUSTML_NUL_TERMINATED, NULL, error);
  return status ? status : rustml_session_load(session, save_path, RUSTML_NUL_TERMINATED, NULL, NULL, error);
}
static int32_t with_open_generation(rustml_error **error) {
  rustml_prompt given = prompt();
  rustml_generation_options options = all_options();
  int32_t status = with_session(error);
  if (!status) status = rustml_generation_start(session, &given, &options, &generation, error);
  for (int i = 0; i < 3 && !status; ++i) {
    rustml_event event = {.struct_size = sizeof event};
    status = rustml_generation_next(generation, &event, error);
  }
  if (!status) status = take_snapshot(error);
  rustml_generation_release(generation);
  generation = NULL;
  return status ? status : rustml_session_reset(session, error);
}
static int32_t resume(rustml_error **error) {
  int32_t status = rustml_session_from_buffer(session, snapshot, n_snapshot, NULL, NULL, error);
  if (!status) status = rustml_generation_resume(session, NULL, &generation, error);
  return status ? status : pull(error);
}
static int32_t fork_session(rustml_error **error) { return rustml_session_fork(session, &forked, NULL, error); }
static int32_t describe(rustml_error **error) {
  const int32_t status = rustml_model_describe_json(model, text, sizeof text, &needed, error);
  const char *memory = strstr(text, "\"memory\""); /* what follows differs from run to run */
  if (!status) sweep_answer(text, memory ? (size_t)(memory - text) : needed);
  return status;
}
static int32_t generate_with_log(rustml_error **error) {
  rustml_callback callback = events();
  rustml_log_options options;
  rustml_log_options_init(&options, sizeof options);
  options.filter = TEXT("info,rustml::attn=trace,rustml=debug");
  options.callback = &callback;
  const int32_t status = rustml_log_set(&options, error);
  return status ? status : generate(error);
}
static int32_t evaluate(rustml_error **error) {
  static float logits[4096];
  int32_t ids[40];
  for (int i = 0; i < 40; ++i) ids[i] = 10 + i;
  int32_t status = rustml_session_eval(session, ids, 40, NULL, error);
  if (!status) status = rustml_session_logits(session, logits, 4096, &needed, NULL, error);
  if (!status) sweep_answer(logits, needed * sizeof *logits);
  return status ? status : rustml_session_rewind(session, 7, error);
}
static int32_t plan(rustml_error **error) {
  rustml_memory_plan out = {.struct_size = sizeof out};
  const int32_t status = rustml_model_plan(path, RUSTML_NUL_TERMINATED, NULL, NULL, &out, NULL, error);
  if (!status) sweep_answer(&out, sizeof out);
  return status;
}
static int32_t quantize_from(const char *from, rustml_error **error) {
  rustml_quantize_options options;
  rustml_quantize_options_init(&options, sizeof options);
  return rustml_model_quantize(from, RUSTML_NUL_TERMINATED, gguf_path, RUSTML_NUL_TERMINATED, &options, NULL, error);
}
static int32_t quantize(rustml_error **error) { return quantize_from(path, error); }
static int32_t quantize_directory(rustml_error **error) { return quantize_from(directory, error); }
static int32_t cancel(rustml_error **error) {
  rustml_cancel *handle = NULL;
  const int32_t status = rustml_cancel_create(&handle, error);
  if (status) return status;
  rustml_cancel_trigger(handle, 1);
  return rustml_cancel_release(handle);
}
static int32_t make_error(rustml_error **error) { /* never fails: without memory it is the static error */
  *error = rustml_error_create(RUSTML_NOT_FOUND, "a message that is long enough not to be small", 44, "{\"a\":1}", 7, 0);
  const int32_t status = rustml_error_code(*error);
  return expect_not_found(status, error);
}
/* From opening to describing, in a process that has never used the library. */
static int32_t whole_life(rustml_error **error) {
  int32_t status = open_path(error);
  if (!status) status = create_session(error);
  if (!status) status = encode_and_decode(error);
  if (!status) status = generate(error);
  if (!status) status = take_snapshot(error);
  if (!status) status = restore(error);
  if (!status) status = fork_session(error);
  return status ? status : describe(error);
}
static int32_t first_open_directory(rustml_error **error) { return open_directory(error); }
static int32_t first_quantize(rustml_error **error) { return quantize(error); }

static const struct scenario kScenarios[] = {
    {"open_memory", nothing, open_memory, 0, 0},
    {"open_path", nothing, open_path, 0, 0},
    {"open_directory", nothing, open_directory, 0, 0},
    {"open_shards", nothing, open_shards, 0, 0},
    {"open_no_model", nothing, open_no_model, 0, 0},
    {"open_absent", nothing, open_absent, 0, 0},
    {"create_session", open_memory, create_session, 0, 0},
    {"encode_and_decode", open_memory, encode_and_decode, 0, 0},
    {"encode_as_tokenizer_json", open_directory, encode_and_decode, 0, 0},
    {"generate", with_session, generate, 0, 0},
    {"chat", with_session, chat, 0, 0},
    {"chat_format", open_memory, chat_format, 0, 0},
    {"pull_with_lookup", with_session, pull_with_lookup, 0, 0},
    {"beam_search", with_session, beam_search, 0, 0},
    {"batch", open_memory, batch, 0, 0},
    {"snapshot", with_tokens, take_snapshot, 0, 0},
    {"restore", with_snapshot, restore, 0, 0},
    {"save_and_load", with_tokens, save_and_load, 0, 0},
    {"resume", with_open_generation, resume, 0, 0},
    {"fork", with_tokens, fork_session, 0, 0},
    {"describe", open_memory, describe, 0, 0},
    {"generate_with_log", with_session, generate_with_log, 0, 0},
    {"evaluate", with_session, evaluate, 0, 0},
    {"plan", nothing, plan, 0, 0},
    {"quantize", nothing, quantize, 0, 1},
    {"quantize_directory", nothing, quantize_directory, 0, 0},
    {"cancel", nothing, cancel, 0, 0},
    {"error", nothing, make_error, 0, 0},
    {"whole_life", nothing, whole_life, 1, 7},
    {"first_open_directory", nothing, first_open_directory, 1, 0},
    {"first_quantize", nothing, first_quantize, 1, 0},
};

/* The scenario's session, or a new one, generates as ever. */
static int32_t next_call(rustml_error **error) {
  int32_t status = RUSTML_OK;
  rustml_generation_release(generation);
  generation = NULL;
  if (other_model) {
    rustml_model_release(model);
    model = NULL;
  }
  if (!model) status = open_memory(error);
  if (!status && !session) status = create_session(error);
  if (!status) status = rustml_session_reset(session, error);
  return status ? status : generate(error);
}

static void teardown(void) {
  rustml_log_set(NULL, NULL);
  rustml_generation_release(generation);
  rustml_session_release(forked);
  rustml_session_release(session);
  rustml_model_release(model);
  generation = NULL, forked = session = NULL, model = NULL, other_model = 0;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  path = argv[1], directory = argv[2], shards = argv[3];
  n_threads = (uint32_t)atoi(argv[4]);
  const int after = strcmp(argv[5], "after") == 0;
  FILE *file = fopen(path, "rb");
  if (!file) return 2;
  n_file_bytes = fread(file_bytes, 1, sizeof file_bytes, file);
  fclose(file);
  snapshot = mmap(NULL, kSnapshotBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  snprintf(save_path, sizeof save_path, "/tmp/rustml-faults-%d.state", (int)getpid());
  snprintf(gguf_path, sizeof gguf_path, "/tmp/rustml-faults-%d.gguf", (int)getpid());
  char title[64];
  snprintf(title, sizeof title, "%s, %u threads", after ? "one and all after" : "one", n_threads);
  const struct suite suite = {kScenarios, sizeof kScenarios / sizeof *kScenarios, next_call, teardown};
  const int bad = sweep(&suite, title, after, 29, 97);
  unlink(save_path);
  unlink(gguf_path);
  return bad;
}
