/* What an error says to programs about a refused argument, field or option: {"field","value","rule"}. */
#include "check.h"

static void expect(const char *what, rustml_error *error, const char *detail) {
  CHECK(error != NULL);
  CHECK(strcmp(rustml_error_detail_json(error), detail) == 0);
  if (strcmp(rustml_error_detail_json(error), detail) != 0) fprintf(stderr, "%s: %s\n", what, rustml_error_detail_json(error));
  rustml_error_release(error);
}

static void expect_begin(rustml_error *error, const char *begin) {
  CHECK(error != NULL);
  CHECK(strncmp(rustml_error_detail_json(error), begin, strlen(begin)) == 0);
  rustml_error_release(error);
}

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_session *session = NULL, *narrow = NULL;
  rustml_generation *generation = NULL;
  rustml_error *error = NULL;
  rustml_prompt prompt, prompts[2];
  rustml_generation_options options;
  const rustml_generation_options *each[2] = {NULL, NULL};
  rustml_session_options small;
  rustml_model_options loading;
  rustml_call_options call;
  const int32_t ids[] = {1, 2, 3, 4, 5}, foreign = -1;
  uint64_t needed = 0;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  session = new_session(model);
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids;
  prompt.n_ids = 5;

  rustml_generation_options_init(&options, sizeof options);
  options.top_p = 1.5f;
  CHECK(rustml_generation_start(session, &prompt, &options, &generation, &error) == RUSTML_INVALID_ARGUMENT);
  expect("a sampling option", error, "{\"field\":\"top_p\",\"value\":1.5,\"rule\":\"above 0 and at most 1; 1 turns it off\"}");
  prompts[0] = prompts[1] = prompt;
  prompts[1].kind = 7;
  CHECK(rustml_generate_batch(model, NULL, prompts, each, 2, NULL, NULL, &error) == RUSTML_INVALID_ARGUMENT);
  expect("an element", error,
         "{\"element\":1,\"field\":\"rustml_prompt.kind\",\"value\":7,\"rule\":\"RUSTML_PROMPT_TEXT (0), _IDS (1) or _MESSAGES (2)\"}");

  rustml_call_options_init(&call, sizeof call);
  call.flags = 4;
  CHECK(rustml_session_eval(session, ids, 1, &call, &error) == RUSTML_INVALID_ARGUMENT);
  expect("flags", error, "{\"field\":\"rustml_call_options.flags\",\"value\":4,\"rule\":\"of no bits but those of 0\"}");
  call.flags = 0;
  call.struct_size = 5;
  CHECK(rustml_session_eval(session, ids, 1, &call, &error) == RUSTML_INVALID_ARGUMENT);
  expect("struct_size", error,
         "{\"field\":\"rustml_call_options.struct_size\",\"value\":5,\"rule\":\"8 to 65536, set it to sizeof(rustml_call_options)\"}");
  CHECK(rustml_session_eval(session, &foreign, 1, NULL, &error) == RUSTML_INVALID_ARGUMENT);
  expect_begin(error, "{\"field\":\"ids[0]\",\"value\":-1,\"rule\":\"0 to ");
  CHECK(rustml_session_tokens(session, NULL, 3, &needed, &error) == RUSTML_INVALID_ARGUMENT);
  expect("a buffer", error, "{\"field\":\"buf\",\"value\":\"NULL with capacity 3\",\"rule\":\"a buffer, or NULL with capacity 0\"}");
  CHECK(rustml_session_tokens(session, NULL, 0, NULL, &error) == RUSTML_INVALID_ARGUMENT);
  expect("a pointer", error, "{\"field\":\"needed\",\"value\":\"NULL\",\"rule\":\"no NULL\"}");
  CHECK(rustml_model_encode(model, "a\xFF", 2, 0, NULL, 0, &needed, NULL, &error) == RUSTML_INVALID_ARGUMENT);
  expect("text", error, "{\"field\":\"text\",\"offset\":1,\"rule\":\"valid UTF-8\"}");

  rustml_session_options_init(&small, sizeof small);
  small.context_tokens = 4;
  CHECK_OK(rustml_session_create(model, &small, &narrow, NULL, &error));
  CHECK(rustml_generation_start(narrow, &prompt, NULL, &generation, &error) == RUSTML_OUT_OF_RANGE);
  CHECK(strstr(rustml_error_detail_json(error), ",\"prompt_tokens\":5}") != NULL);
  expect_begin(error, "{\"field\":\"context_tokens\",\"value\":4,\"rule\":\"at least the prompt's 5 tokens");
  rustml_session_release(narrow);
  rustml_model_release(model);
  model = NULL;

  rustml_model_options_init(&loading, sizeof loading);
  loading.n_threads = -1;
  CHECK(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, &loading, &model, NULL, &error) == RUSTML_INVALID_ARGUMENT);
  expect_begin(error, "{\"field\":\"n_threads\",\"value\":-1,");
  loading.n_threads = 1;
  loading.simd_target.ptr = "m\"x";
  loading.simd_target.len = 3;
  CHECK(rustml_model_open(argv[1], RUSTML_NUL_TERMINATED, &loading, &model, NULL, &error) == RUSTML_INVALID_ARGUMENT);
  expect_begin(error, "{\"field\":\"simd_target\",\"value\":\"m\\\"x\",\"rule\":\"one that");
  rustml_session_release(session);
  return finish();
}
