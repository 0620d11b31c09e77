/* A program for the version after this one (make_next.py): with a library of its version its option counts, with this one's
 * it is refused in words when it is used, and does no harm when it is not. */
#include "../api/check.h"

static const int32_t kIds[5] = {11, 22, 33, 44, 55};

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_session *session;
  rustml_generation_options options;
  rustml_result result;
  rustml_error *error = NULL;
  const rustml_prompt prompt = ids_prompt(kIds, 5);
  const int knows = rustml_abi_layout_hash(RUSTML_VERSION_MAJOR, RUSTML_VERSION_MINOR) != 0;
  if (argc < 2) return 2;
  CHECK(knows == (rustml_abi_version() >= (RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR)));
  CHECK(rustml_abi_layout_hash(RUSTML_VERSION_MAJOR, 0) != 0); /* released */
  model = open_model(argv[1]);
  session = new_session(model);
  memset(&options, 0xAA, sizeof options);
  CHECK(rustml_generation_options_init(&options, sizeof options) == RUSTML_OK);
  CHECK(options.struct_size == sizeof options && options.later_option == 0);
  options.max_tokens = 2;
  options.ignore_eos = 1;
  memset(&result, 0xAA, sizeof result);
  result.struct_size = sizeof result;
  CHECK_OK(rustml_generate(session, &prompt, &options, NULL, &result, &error));
  CHECK(result.struct_size == sizeof result && result.generated_tokens == 2 && result.later_result == 0);

  options.later_option = 7;
  if (knows) {
    CHECK_OK(rustml_generate(session, &prompt, &options, NULL, &result, &error));
    CHECK(result.later_result == 7);
#ifdef CALLS_LATER
    CHECK(rustml_later() == 42);
#endif
  } else {
    CHECK(rustml_generate(session, &prompt, &options, NULL, &result, &error) == RUSTML_INVALID_ARGUMENT);
    printf("%s\n", rustml_error_message(error));
    CHECK(strstr(rustml_error_message(error), "rustml_generation_options has a field beyond this library's ABI"));
    CHECK(strstr(rustml_error_message(error), "use a newer library"));
    rustml_error_release(error);
  }
  rustml_session_release(session);
  rustml_model_release(model);
  return finish();
}
