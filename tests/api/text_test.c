/* Text to ids and back, through caller buffers of every size. */
#include "check.h"

static const char kText[] = "The capital of France is Paris. caf\xC3\xA9 \xF0\x9F\x98\x80";
static const char kMessages[] = "[{\"role\":\"user\",\"content\":\"Hi\"}]";

static void encode_and_decode(rustml_model *model) {
  int32_t ids[256], marked[256];
  char text[256];
  uint64_t n = 0, needed = 0, i;
  memset(marked, 0x55, sizeof marked);
  CHECK_OK(rustml_model_encode(model, kText, sizeof kText - 1, 0, NULL, 0, &n, NULL, &error));
  CHECK(n > 0 && n <= sizeof kText);
  memcpy(ids, marked, sizeof ids);
  for (i = 0; i<n; i += n - 1> 0 ? n - 1 : 1) { /* capacities 0 and exact - 1 */
    needed = 0;
    CHECK_STATUS(rustml_model_encode(model, kText, sizeof kText - 1, 0, ids, i, &needed, NULL, &error), RUSTML_BUFFER_TOO_SMALL);
    CHECK(needed == n && memcmp(ids, marked, sizeof ids) == 0);
  }
  CHECK_OK(rustml_model_encode(model, kText, RUSTML_NUL_TERMINATED, 0, ids, n, &needed, NULL, &error));
  CHECK(needed == n && ids[n] == marked[n]);
  CHECK_OK(rustml_model_decode(model, ids, n, 0, NULL, 0, &needed, &error));
  CHECK(needed == sizeof kText - 1);
  CHECK_STATUS(rustml_model_decode(model, ids, n, 0, text, needed - 1, &needed, &error), RUSTML_BUFFER_TOO_SMALL);
  CHECK_OK(rustml_model_decode(model, ids, n, 0, text, needed, &needed, &error));
  CHECK(memcmp(text, kText, needed) == 0);
  CHECK_OK(rustml_model_encode(model, NULL, 0, 0, NULL, 0, &needed, NULL, &error));
  CHECK(needed == 0);
  CHECK_OK(rustml_model_decode(model, NULL, 0, 0, NULL, 0, &needed, &error));
  CHECK(needed == 0);
}

static void special_tokens(rustml_model *model) {
  const char *text = "<|im_start|>x";
  int32_t plain[64], parsed[64];
  char buf[64];
  uint64_t n_plain = 0, n_parsed = 0, needed = 0;
  rustml_token_info info;
  CHECK_OK(rustml_model_encode(model, text, RUSTML_NUL_TERMINATED, 0, plain, 64, &n_plain, NULL, &error));
  CHECK_OK(rustml_model_encode(model, text, RUSTML_NUL_TERMINATED, RUSTML_ENCODE_PARSE_SPECIAL, parsed, 64, &n_parsed, NULL, &error));
  CHECK(n_parsed == 2 && n_plain > 2);
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_model_token_info(model, parsed[0], &info, &error));
  CHECK(info.flags & RUSTML_TOKEN_SPECIAL);
  CHECK_OK(rustml_model_token_info(model, plain[0], &info, &error));
  CHECK(!(info.flags & RUSTML_TOKEN_SPECIAL));
  CHECK_OK(rustml_model_decode(model, parsed, n_parsed, RUSTML_DECODE_SKIP_SPECIAL, buf, 64, &needed, &error));
  CHECK(needed == 1 && buf[0] == 'x');
}

int main(int argc, char **argv) {
  rustml_model *model;
  rustml_model_info info;
  rustml_chat_options chat;
  rustml_call_options call;
  rustml_cancel *cancel = NULL;
  uint64_t needed = 0, with = 0;
  uint8_t bytes[64];
  char text[256];
  int32_t id;
  if (argc < 2) return 2;
  model = open_model(argv[1]);
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_OK(rustml_model_get_info(model, &info, &error));
  encode_and_decode(model);
  special_tokens(model);

  for (id = 0; id < (int32_t)info.vocab_size; ++id) CHECK_OK(rustml_model_token_bytes(model, id, bytes, sizeof bytes, &needed, &error));
  CHECK_STATUS(rustml_model_token_bytes(model, -1, bytes, sizeof bytes, &needed, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_model_token_bytes(model, (int32_t)info.vocab_size, bytes, sizeof bytes, &needed, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_model_token_bytes(model, INT32_MAX, bytes, sizeof bytes, &needed, &error), RUSTML_INVALID_ARGUMENT);
  id = -5;
  CHECK_STATUS(rustml_model_decode(model, &id, 1, 0, text, sizeof text, &needed, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_model_encode(model, "\xE2\x82", 2, 0, NULL, 0, &needed, NULL, &error), RUSTML_INVALID_ARGUMENT);
  CHECK_STATUS(rustml_model_encode(model, "x", 1, 8, NULL, 0, &needed, NULL, &error), RUSTML_INVALID_ARGUMENT);

  CHECK(info.has_chat_template == 1);
  CHECK_OK(rustml_model_chat_format(model, kMessages, RUSTML_NUL_TERMINATED, NULL, text, sizeof text, &with, NULL, &error));
  CHECK(memcmp(text, "<|im_start|>", 12) == 0);
  rustml_chat_options_init(&chat, sizeof chat);
  chat.add_generation_prompt = 0;
  CHECK_OK(rustml_model_chat_format(model, kMessages, RUSTML_NUL_TERMINATED, &chat, NULL, 0, &needed, NULL, &error));
  CHECK(needed < with);
  CHECK_STATUS(rustml_model_chat_format(model, "[{", 2, NULL, text, sizeof text, &needed, NULL, &error), RUSTML_INVALID_ARGUMENT);
  chat.add_generation_prompt = 2;
  CHECK_STATUS(rustml_model_chat_format(model, kMessages, RUSTML_NUL_TERMINATED, &chat, NULL, 0, &needed, NULL, &error),
               RUSTML_INVALID_ARGUMENT);

  CHECK_OK(rustml_cancel_create(&cancel, &error));
  rustml_cancel_trigger(cancel, 1);
  rustml_call_options_init(&call, sizeof call);
  call.cancel = cancel;
  CHECK_STATUS(rustml_model_encode(model, "x", 1, 0, NULL, 0, &needed, &call, &error), RUSTML_CANCELLED);
  CHECK_STATUS(rustml_model_chat_format(model, kMessages, RUSTML_NUL_TERMINATED, NULL, NULL, 0, &needed, &call, &error), RUSTML_CANCELLED);
  rustml_cancel_release(cancel);
  rustml_model_release(model);
  return finish();
}
