/* Runs cases.json through rustml.h; README.md says how. */
#include "cases_c.h"

/* ------------------------------------------------------------------------------------------------- answers */

static int32_t on_event(void *user_data, const rustml_event *event) {
  answer *to = user_data;
  if (event->kind == RUSTML_EVENT_TOKEN && to->n < MOST) to->ids[to->n++] = event->token_id;
  if (event->kind == RUSTML_EVENT_STOPPED) to->finish = event->finish;
  memcpy(to->text + to->text_len, event->text, event->text_len);
  to->text_len += event->text_len;
  return to->value && to->n == to->after ? to->value : 0;
}

static rustml_text stop_texts[8];
static rustml_generation_options options_of(void) {
  static int32_t stop_ids[64];
  rustml_generation_options o;
  cJSON *list;
  const char *word;
  rustml_generation_options_init(&o, sizeof o);
  read_numbers(&o);
  o.n_stop_ids = (uint64_t)read_ids(take("stop_ids"), stop_ids);
  o.stop_ids = stop_ids;
  list = take("stop_strings");
  for (cJSON *item = list ? list->child : NULL; item; item = item->next) {
    stop_texts[o.n_stop_strings].ptr = item->valuestring;
    stop_texts[o.n_stop_strings++].len = strlen(item->valuestring);
  }
  o.stop_strings = stop_texts;
  word = string("on_stop");
  o.on_stop = word && !strcmp(word, "ROLLBACK") ? RUSTML_ON_STOP_ROLLBACK : RUSTML_ON_STOP_KEEP;
  o.cancel = cancel_of();
  o.deadline_ns = deadline_of("timeout_ms");
  o.first_token_deadline_ns = deadline_of("first_token_timeout_ms");
  return o;
}

static rustml_prompt ids_prompt(const int32_t *ids, int n) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids;
  prompt.n_ids = (uint64_t)n;
  return prompt;
}

/* The pull form, as the bindings use it. */
static int32_t drain(rustml_generation *generation, int break_after) {
  FIRST(rustml_event, event);
  int32_t status = RUSTML_OK;
  while ((!break_after || now.n < break_after) && (status = rustml_generation_next(generation, &event, &error)) == RUSTML_OK) {
    on_event(&now, &event);
    if (now.save_path && event.kind == RUSTML_EVENT_TOKEN && now.n == now.after) {
      TRY(rustml_session_save(session, now.save_path, RUSTML_NUL_TERMINATED, NULL, &error));
      now.text_len = 0;
    }
  }
  return status == RUSTML_DONE ? RUSTML_OK : status;
}

static int32_t answered(const rustml_prompt *prompt, const rustml_generation_options *options, int break_after) {
  rustml_generation *generation = NULL;
  int32_t status;
  TRY(rustml_generation_start(session, prompt, options, &generation, &error));
  status = drain(generation, break_after);
  rustml_generation_stop(generation, NULL);
  now.result.struct_size = sizeof now.result;
  rustml_generation_result(generation, &now.result, NULL);
  rustml_generation_release(generation);
  return status;
}

static int32_t op_generate(void) {
  static int32_t ids[MOST];
  const int break_after = (int)number("break_after", 0);
  const char *save_as = string("save_as"), *same_as = string("same_as"), *differs = string("differs_from"), *key = string("publish");
  const char *finish = string("want_finish"), *text = string("text");
  cJSON *messages = take("messages"), *want_ids = take("want_ids"), *want_text = take("want_text");
  const int want_prompt = (int)number("want_prompt_tokens", -1), want_skipped = (int)number("want_skipped_at_least", 0);
  char *json = messages ? cJSON_PrintUnformatted(messages) : NULL;
  rustml_generation_options options = options_of();
  rustml_prompt prompt = ids_prompt(ids, prompt_ids(ids));
  int32_t status;
  if (text || json) {
    prompt.kind = json ? RUSTML_PROMPT_MESSAGES : RUSTML_PROMPT_TEXT;
    prompt.text.ptr = json ? json : text;
    prompt.text.len = strlen(prompt.text.ptr);
  }
  if (step->child) return RUSTML_OK; /* left over: unknown */
  status = answered(&prompt, &options, break_after);
  rustml_cancel_release(options.cancel);
  free(json);
  check_ids("ids differ", want_ids, now.ids, now.n);
  check_text(want_text, now.text, now.text_len);
  if (finish) check(now.result.finish == named("F_", finish), "finish differs");
  if (want_prompt >= 0) check((int)now.result.prompt_tokens == want_prompt, "prompt tokens differ");
  check((int)now.result.prefill_tokens_skipped >= want_skipped, "too few tokens skipped");
  if (same_as) check(same(&now, remembered(same_as)), "not the same ids");
  if (differs) check(!same(&now, remembered(differs)), "the same ids");
  if (key) publish("", key, now.ids, now.n);
  if (save_as) {
    saved[n_saved] = now;
    strcpy(saved[n_saved++].name, save_as);
  }
  return status;
}

/* ------------------------------------------------------------------------------------------- model and text */

static rustml_model *model;

static int32_t op_open(void) {
  char path[4096];
  rustml_model *out = NULL;
  rustml_model_options options;
  rustml_call_options call = call_of();
  int32_t status;
  rustml_model_options_init(&options, sizeof options);
  options.n_threads = (int32_t)number("n_threads", 0);
  options.memory_limit_bytes = (uint64_t)number("memory_limit_bytes", 0);
  status = rustml_model_open(full_path(string("path"), path), RUSTML_NUL_TERMINATED, &options, &out, &call, &error);
  rustml_model_release(out);
  rustml_cancel_release(call.cancel);
  return status;
}

static int32_t op_info(void) {
  FIRST(rustml_model_info, info);
  TRY(rustml_model_get_info(model, &info, &error));
  check(info.vocab_size == number("want_vocab_size", -1) && info.has_chat_template == number("want_chat_template", -1), "info differs");
  return RUSTML_OK;
}

static int32_t op_encode(void) {
  const char *text = string("text");
  uint64_t n = 0;
  TRY(rustml_model_encode(model, text, strlen(text), number("parse_special", 0) != 0 ? RUSTML_ENCODE_PARSE_SPECIAL : 0, now.ids, MOST, &n,
                          NULL, &error));
  check_ids("ids differ", take("want_ids"), now.ids, (int)n);
  return RUSTML_OK;
}

static int32_t op_decode(void) {
  uint64_t n = 0;
  const uint64_t n_ids = (uint64_t)prompt_ids(now.ids);
  TRY(rustml_model_decode(model, now.ids, n_ids, number("skip_special", 0) != 0 ? RUSTML_DECODE_SKIP_SPECIAL : 0, now.text, sizeof now.text,
                          &n, &error));
  check_text(take("want_text"), now.text, n);
  return RUSTML_OK;
}

static int32_t op_chat_format(void) {
  char *json = cJSON_PrintUnformatted(take("messages"));
  rustml_chat_options options;
  uint64_t n = 0;
  int32_t status;
  rustml_chat_options_init(&options, sizeof options);
  options.add_generation_prompt = (uint32_t)number("add_generation_prompt", 1);
  status = rustml_model_chat_format(model, json, strlen(json), &options, now.text, sizeof now.text, &n, NULL, &error);
  free(json);
  cJSON *want = take("want_text");
  if (status == RUSTML_OK) check_text(want, now.text, n);
  return status;
}

/* --------------------------------------------------------------------------------------------------- session */

static int32_t op_eval(void) {
  const int n = prompt_ids(now.ids);
  rustml_call_options call = call_of();
  const int32_t status = rustml_session_eval(session, now.ids, (uint64_t)n, &call, &error);
  rustml_cancel_release(call.cancel);
  check_position();
  return status;
}
static int32_t op_logits(void) {
  static float logits[1 << 16];
  rustml_call_options call = call_of();
  const int want_size = (int)number("want_size", -1), want_best = (int)number("want_best", -1);
  uint64_t n = 0, best = 0;
  const int32_t status = rustml_session_logits(session, logits, 1 << 16, &n, &call, &error);
  rustml_cancel_release(call.cancel);
  for (uint64_t i = 1; status == RUSTML_OK && i < n; ++i)
    if (logits[i] > logits[best]) best = i;
  if (want_size >= 0) check((int)n == want_size, "another number of logits");
  if (want_best >= 0) check((int)best == want_best, "another best token");
  return status;
}
static int32_t op_tokens(void) {
  uint64_t n = 0;
  TRY(rustml_session_tokens(session, now.ids, MOST, &n, &error));
  check_ids("ids differ", take("want_ids"), now.ids, (int)n);
  return RUSTML_OK;
}
static int32_t op_reset(void) { return rustml_session_reset(session, &error); }
static int32_t op_rewind(void) {
  const int32_t status = rustml_session_rewind(session, (uint64_t)number("n", 0), &error);
  check_position();
  return status;
}

static int32_t op_while_open(void) {
  const int32_t five = 5;
  const rustml_prompt prompt = ids_prompt(now.ids, prompt_ids(now.ids));
  rustml_generation *generation = NULL;
  FIRST(rustml_event, event);
  int32_t status;
  TRY(rustml_generation_start(session, &prompt, NULL, &generation, &error));
  TRY(rustml_generation_next(generation, &event, &error));
  status = rustml_session_eval(session, &five, 1, NULL, &error);
  rustml_generation_release(generation);
  return status;
}

static int32_t op_after_close(void) {
  rustml_session *other = NULL;
  uint64_t n = 0;
  TRY(rustml_session_create(model, NULL, &other, NULL, &error));
  rustml_session_release(other);
  return rustml_session_tokens(other, NULL, 0, &n, &error);
}

static char batch_message[4096];
static int32_t batch_event(void *user_data, const rustml_event *event) {
  if (event->kind != RUSTML_EVENT_LOG) return on_event((answer *)user_data + event->sequence, event);
  snprintf(batch_message, sizeof batch_message, "%.*s", (int)event->text_len, event->text);
  return 0;
}
static int32_t op_batch(void) {
  static int32_t ids[8][256];
  static answer answers[8];
  rustml_prompt prompts[8];
  rustml_result results[8];
  const rustml_generation_options *each[8];
  rustml_session_options options;
  rustml_callback callback;
  cJSON *list = take("prompts"), *want = take("want_all");
  const rustml_generation_options one = options_of();
  int n = 0;
  memset(answers, 0, sizeof answers);
  memset(results, 0, sizeof results);
  for (cJSON *item = list->child; item; item = item->next, ++n) {
    prompts[n] = ids_prompt(ids[n], read_ids(item, ids[n]));
    results[n].struct_size = sizeof *results;
    each[n] = &one;
  }
  rustml_session_options_init(&options, sizeof options);
  options.kv_type = RUSTML_KV_F32;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = batch_event;
  callback.user_data = answers;
  TRY(rustml_generate_batch(model, &options, prompts, each, (uint64_t)n, &callback, results, &error));
  for (int i = 0; i < n; ++i) {
    if (results[i].status != RUSTML_OK) {
      error = rustml_error_create(results[i].status, batch_message, strlen(batch_message), NULL, 0, 0);
      return results[i].status;
    }
    check_ids("ids of a prompt differ", cJSON_GetArrayItem(want, i), answers[i].ids, answers[i].n);
  }
  return RUSTML_OK;
}

static int32_t beam_event(void *user_data, const rustml_event *event) {
  const cJSON *want = cJSON_GetArrayItem(user_data, (int)event->sequence);
  if (event->kind != RUSTML_EVENT_BEAM) return 0;
  ++now.n;
  check(want != NULL, "too many beams");
  if (!want) return 0;
  check_ids("ids of a beam differ", cJSON_GetObjectItem(want, "ids"), event->ids, (int)event->n_ids);
  check(cJSON_GetObjectItem(want, "stop_id")->valueint == event->token_id, "stop token of a beam differs");
  check(fabs(cJSON_GetObjectItem(want, "score")->valuedouble - (double)event->score) < 1e-3, "score of a beam differs");
  return 0;
}
static int32_t op_beams(void) {
  static int32_t ids[MOST], stop_ids[64];
  const rustml_prompt prompt = ids_prompt(ids, prompt_ids(ids));
  cJSON *want = take("want_beams");
  rustml_beam_options o;
  rustml_callback callback;
  rustml_beam_options_init(&o, sizeof o);
  o.width = (uint32_t)number("width", o.width);
  o.n_best = (uint32_t)number("n_best", o.n_best);
  o.length_penalty = (float)number("length_penalty", 1);
  o.early_stopping = (int32_t)number("early_stopping", 0);
  o.max_tokens = (uint64_t)number("max_tokens", 0);
  o.ignore_eos = (uint32_t)number("ignore_eos", 0);
  o.n_stop_ids = (uint64_t)read_ids(take("stop_ids"), stop_ids);
  o.stop_ids = stop_ids;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = beam_event;
  callback.user_data = want;
  TRY(rustml_beam_search(session, &prompt, &o, &callback, NULL, &error));
  check(now.n == cJSON_GetArraySize(want), "another number of beams");
  return RUSTML_OK;
}

/* ---------------------------------------------------------------------------------------------------- stopping */

static rustml_cancel *stopper;
static double stop_after;
static void *stop_later(void *unused) {
  usleep((useconds_t)(stop_after * 1000));
  began = ms();
  rustml_cancel_trigger(stopper, RUSTML_CANCEL_REASON_USER);
  return unused;
}

/* Keeps the threads busy with a session of its own. */
static void *eval_beside(void *ids_of) {
  const answer *with = ids_of;
  rustml_session *beside = NULL;
  rustml_call_options limits;
  rustml_call_options_init(&limits, sizeof limits);
  limits.cancel = stopper;
  rustml_session_create(model, NULL, &beside, NULL, NULL);
  rustml_session_eval(beside, with->ids, (uint64_t)with->n, &limits, NULL);
  rustml_session_release(beside);
  return NULL;
}
static int32_t logits_until_not_ok(const rustml_call_options *limits, int n) {
  pthread_t beside;
  uint64_t needed;
  int32_t status = RUSTML_OK;
  now.n = n;
  pthread_create(&beside, NULL, eval_beside, &now);
  usleep(10000);
  while (status == RUSTML_OK) status = rustml_session_logits(session, NULL, 0, &needed, limits, &error);
  pthread_join(beside, NULL);
  return status;
}

static int32_t op_cancel_in(void) {
  const char *call = string("call");
  const int n = prompt_ids(now.ids);
  const rustml_prompt prompt = ids_prompt(now.ids, n);
  rustml_generation_options options;
  rustml_call_options limits;
  pthread_t thread;
  int32_t status;
  double ended;
  stop_after = number("after_ms", 0);
  rustml_cancel_create(&stopper, NULL);
  rustml_generation_options_init(&options, sizeof options);
  rustml_call_options_init(&limits, sizeof limits);
  options.cancel = limits.cancel = stopper;
  pthread_create(&thread, NULL, stop_later, NULL);
  if (!strcmp(call, "eval"))
    status = rustml_session_eval(session, now.ids, (uint64_t)n, &limits, &error);
  else if (!strcmp(call, "logits"))
    status = logits_until_not_ok(&limits, n);
  else
    status = rustml_generate(session, &prompt, &options, NULL, NULL, &error);
  ended = ms();
  pthread_join(thread, NULL);
  began += ms() - ended;
  rustml_cancel_release(stopper);
  return status;
}

static int other_n;
static int32_t other_status;
static int other_done;
static void *eval_other(void *unused) {
  rustml_call_options limits;
  rustml_call_options_init(&limits, sizeof limits);
  limits.cancel = stopper;
  do other_status = rustml_session_eval(session, now.ids, (uint64_t)other_n, &limits, NULL);
  while (other_status == RUSTML_BUSY); /* the calls below are first */
  __atomic_store_n(&other_done, 1, __ATOMIC_SEQ_CST);
  return unused;
}
static int32_t op_busy(void) {
  const int32_t five = 5;
  pthread_t thread;
  int32_t status = RUSTML_OK;
  other_n = prompt_ids(now.ids);
  other_done = 0;
  rustml_cancel_create(&stopper, NULL);
  pthread_create(&thread, NULL, eval_other, NULL);
  usleep(20000);
  for (; status == RUSTML_OK && !__atomic_load_n(&other_done, __ATOMIC_SEQ_CST); usleep(1000)) {
    rustml_session_reset(session, NULL); /* the other one needs the room */
    status = rustml_session_eval(session, &five, 1, NULL, &error);
  }
  rustml_cancel_trigger(stopper, RUSTML_CANCEL_REASON_USER);
  pthread_join(thread, NULL);
  rustml_cancel_release(stopper);
  check(other_status == RUSTML_CANCELLED, "the other thread ended otherwise");
  return status;
}

static int32_t stopped_by_callback(int value) {
  const rustml_prompt prompt = ids_prompt(now.ids, prompt_ids(now.ids));
  rustml_callback callback;
  int32_t status;
  static answer stopping;
  memset(&stopping, 0, sizeof stopping);
  stopping.value = value;
  stopping.after = 1;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  callback.user_data = &stopping;
  status = rustml_generate(session, &prompt, NULL, &callback, NULL, &error);
  check(rustml_error_callback_value(error) == value, "callback value differs");
  return status;
}
static int32_t op_callback_stop(void) { return stopped_by_callback((int)number("value", 0)); }
static int32_t op_callback_panic(void) { /* C has no exceptions: what a binding's trampoline returns for one */
  int times = (int)number("times", 0);
  const cJSON *ids = take("ids");
  for (; times > 0; --times) {
    cJSON_AddItemToObject(step, "ids", cJSON_Duplicate(ids, 1));
    check(stopped_by_callback(-1) == RUSTML_CALLBACK_STOP, "not stopped");
    rustml_error_release(error);
    error = NULL;
    cJSON_Delete(taken[--n_taken]);
  }
  return RUSTML_OK;
}

/* --------------------------------------------------------------------------------------------------- snapshots */

static int32_t op_snapshot(void) {
  const cJSON *flip = take("flip");
  const char *into = string("into");
  const uint64_t cut = (uint64_t)number("cut", 0);
  rustml_session *target = session;
  uint64_t n = 0;
  uint8_t *bytes;
  int32_t status;
  TRY(rustml_session_snapshot_size(session, &n, &error));
  bytes = malloc(n);
  TRY(rustml_session_to_buffer(session, bytes, n, &n, NULL, &error));
  if (flip) bytes[flip->valueint < 0 ? n - (uint64_t)-flip->valueint : (uint64_t)flip->valueint] ^= 255;
  if (into) TRY(new_session(into, NULL, &target));
  status = rustml_session_from_buffer(target, bytes, n - cut, NULL, NULL, &error);
  if (into) rustml_session_release(target);
  free(bytes);
  check_position();
  return status;
}
static int32_t op_save(void) {
  char path[4096];
  return rustml_session_save(session, full_path(string("path"), path), RUSTML_NUL_TERMINATED, NULL, &error);
}
static int32_t op_load(void) {
  char path[4096];
  return rustml_session_load(session, full_path(string("path"), path), RUSTML_NUL_TERMINATED, NULL, NULL, &error);
}

static const struct {
  const char *name;
  int32_t (*run)(void);
} ops[] = {{"open", op_open},
           {"info", op_info},
           {"encode", op_encode},
           {"decode", op_decode},
           {"chat_format", op_chat_format},
           {"eval", op_eval},
           {"logits", op_logits},
           {"tokens", op_tokens},
           {"reset", op_reset},
           {"rewind", op_rewind},
           {"generate", op_generate},
           {"while_open", op_while_open},
           {"after_close", op_after_close},
           {"batch", op_batch},
           {"beams", op_beams},
           {"cancel_in", op_cancel_in},
           {"busy", op_busy},
           {"callback_stop", op_callback_stop},
           {"callback_panic", op_callback_panic},
           {"snapshot", op_snapshot},
           {"save", op_save},
           {"load", op_load}};

static void run_step(void) {
  const char *op = string("op"), *status = string("status"), *message = string("message");
  const double within = number("within_ms", 1e9);
  const int wanted = named("", status ? status : "OK");
  int32_t ended = -1;
  double took;
  memset(&now, 0, sizeof now);
  began = ms();
  for (size_t i = 0; i < sizeof ops / sizeof *ops; ++i)
    if (!strcmp(ops[i].name, op)) ended = ops[i].run();
  took = ms() - began;
  if (ended != wanted) {
    snprintf(wrong, sizeof wrong, "%s ended %d (%s), wanted %d", op, ended, error ? rustml_error_message(error) : "", wanted);
  } else if (message) {
    check(error && strstr(rustml_error_message(error), message), error ? rustml_error_message(error) : "no error");
  }
  if (took > within && !*wrong) snprintf(wrong, sizeof wrong, "%s took %.0f ms, wanted at most %.0f ms", op, took, within);
  if (step->child && !*wrong) snprintf(wrong, sizeof wrong, "%s: unknown field %s", op, step->child->string);
  rustml_error_release(error);
  error = NULL;
  while (n_taken) cJSON_Delete(taken[--n_taken]);
}

static void run_case(cJSON *one) {
  const char *name = cJSON_GetObjectItem(one, "model")->valuestring;
  int n = 0;
  n_saved = 0;
  model = model_of(name);
  check(new_session(name, cJSON_GetObjectItem(one, "session"), &session) == RUSTML_OK, "no session");
  for (step = cJSON_GetObjectItem(one, "steps")->child; step && !*wrong; step = step->next) {
    ++n;
    run_step();
  }
  if (*wrong) {
    char text[sizeof wrong];
    strcpy(text, wrong);
    snprintf(wrong, sizeof wrong, "step %d: %.4000s", n, text);
  }
  rustml_session_release(session);
}

static void exchange(cJSON *one, const char *folder, int writing) {
  static int32_t ids[MOST];
  char path[4096];
  rustml_session_options options;
  int32_t status;
  step = one;
  const char *name = string("name");
  snprintf(path, sizeof path, "%s/%s.snapshot", folder, name);
  rustml_session_options_init(&options, sizeof options);
  options.kv_type = RUSTML_KV_F32;
  memset(&now, 0, sizeof now);
  status = rustml_session_create(model_of(string("model")), &options, &session, NULL, &error);
  if (writing) {
    const rustml_prompt prompt = ids_prompt(ids, prompt_ids(ids));
    const rustml_generation_options how = options_of();
    now.save_path = path;
    now.after = (int)number("save_after", 0);
    status = answered(&prompt, &how, 0);
  } else {
    rustml_generation *generation = NULL;
    status = rustml_session_load(session, path, RUSTML_NUL_TERMINATED, NULL, NULL, &error);
    if (!status) status = rustml_generation_resume(session, NULL, &generation, &error);
    if (!status) status = drain(generation, 0);
    rustml_generation_release(generation);
  }
  check(status == RUSTML_OK, error ? rustml_error_message(error) : "failed");
  publish(writing ? "exchange " : "exchange tail ", name, now.ids, now.n);
  now.text[now.text_len] = 0;
  cJSON *text = cJSON_CreateString(now.text);
  char *json = cJSON_PrintUnformatted(text);
  printf("PUBLISH exchange text %s %s\n", name, json);
  free(json);
  cJSON_Delete(text);
  rustml_session_release(session);
  while (n_taken) cJSON_Delete(taken[--n_taken]);
}

static char *file_text(const char *path) {
  FILE *file = fopen(path, "rb");
  long n;
  char *text;
  if (!file || fseek(file, 0, SEEK_END) || (n = ftell(file)) < 0) exit(2);
  text = calloc(1, (size_t)n + 1);
  rewind(file);
  if (fread(text, 1, (size_t)n, file) != (size_t)n) exit(2);
  fclose(file);
  return text;
}

int main(int argc, char **argv) {
  const char *cases = NULL, *writing = NULL, *reading = NULL;
  int failed = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const char **const to = !strcmp(argv[i], "--cases")   ? &cases
                            : !strcmp(argv[i], "--data")  ? &data_dir
                            : !strcmp(argv[i], "--work")  ? &work_dir
                            : !strcmp(argv[i], "--out")   ? &out_dir
                            : !strcmp(argv[i], "--only")  ? &only
                            : !strcmp(argv[i], "--write") ? &writing
                                                          : &reading;
    *to = argv[i + 1];
  }
  root = cases ? cJSON_Parse(file_text(cases)) : NULL;
  if (!root) return 2;
  for (cJSON *one = cJSON_GetObjectItem(root, writing || reading ? "exchange" : "cases")->child; one; one = one->next) {
    char name[256];
    snprintf(name, sizeof name, "%s", cJSON_GetObjectItem(one, "name")->valuestring);
    if (!strstr(name, only)) continue;
    *wrong = 0;
    if (writing || reading)
      exchange(one, writing ? writing : reading, writing != NULL);
    else
      run_case(one);
    printf(*wrong ? "FAILED %s: %s\n" : "ok %s\n", name, wrong);
    failed |= *wrong != 0;
    fflush(stdout);
  }
  return failed;
}
