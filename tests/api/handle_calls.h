/* Every function that takes a handle, called with good arguments beside it: for the tests that say which handles are none. They
 * name the library's functions through LIB, as check.h does. */
#ifndef HANDLE_CALLS_H
#define HANDLE_CALLS_H
#include "check.h"

static rustml_session *session; /* a good one, for handles that are given in options */
static const int32_t kIds[4] = {10, 20, 30, 40};
static char text_buf[4096];
static int32_t id_buf[64];
static uint64_t needed;
static rustml_prompt good_prompt;

static int32_t reader_read(void *user_data, uint64_t offset, void *buf, uint64_t len) {
  return (void)user_data, (void)offset, (void)buf, (void)len, 1;
}
static int32_t sink_write(void *user_data, const void *data, uint64_t len) { return (void)user_data, (void)data, (void)len, 0; }
static rustml_reader good_reader(void) {
  rustml_reader reader;
  LIB(rustml_reader_init)(&reader, sizeof reader);
  reader.read_at = reader_read;
  reader.size = 100;
  return reader;
}
static rustml_sink good_sink(void) {
  rustml_sink sink;
  LIB(rustml_sink_init)(&sink, sizeof sink);
  sink.write = sink_write;
  return sink;
}
#define OUT(type)              \
  type out;                    \
  memset(&out, 0, sizeof out); \
  out.struct_size = sizeof out

#define HANDLE_CALL(name, ...) \
  static int32_t name(void *h, rustml_error **error) { __VA_ARGS__; }
HANDLE_CALL(m_info, OUT(rustml_model_info); return LIB(rustml_model_get_info)(h, &out, error))
HANDLE_CALL(m_describe, return LIB(rustml_model_describe_json)(h, NULL, 0, &needed, error))
HANDLE_CALL(m_encode, return LIB(rustml_model_encode)(h, "x", 1, 0, id_buf, 64, &needed, NULL, error))
HANDLE_CALL(m_decode, return LIB(rustml_model_decode)(h, kIds, 4, 0, text_buf, 4096, &needed, error))
HANDLE_CALL(m_token_bytes, return LIB(rustml_model_token_bytes)(h, 1, (uint8_t *)text_buf, 4096, &needed, error))
HANDLE_CALL(m_token_info, OUT(rustml_token_info); return LIB(rustml_model_token_info)(h, 1, &out, error))
HANDLE_CALL(m_chat, return LIB(rustml_model_chat_format)(h, "[]", 2, NULL, text_buf, 4096, &needed, NULL, error))
HANDLE_CALL(m_session, rustml_session *out; return LIB(rustml_session_create)(h, NULL, &out, NULL, error))
HANDLE_CALL(s_reset, return LIB(rustml_session_reset)(h, error))
HANDLE_CALL(s_rewind, return LIB(rustml_session_rewind)(h, 0, error))
HANDLE_CALL(s_fork, rustml_session *out; return LIB(rustml_session_fork)(h, &out, NULL, error))
HANDLE_CALL(s_info, OUT(rustml_session_info); return LIB(rustml_session_get_info)(h, &out, error))
HANDLE_CALL(s_tokens, return LIB(rustml_session_tokens)(h, id_buf, 64, &needed, error))
HANDLE_CALL(s_eval, return LIB(rustml_session_eval)(h, kIds, 4, NULL, error))
HANDLE_CALL(s_logits, return LIB(rustml_session_logits)(h, NULL, 0, &needed, NULL, error))
HANDLE_CALL(s_size, return LIB(rustml_session_snapshot_size)(h, &needed, error))
HANDLE_CALL(s_write, const rustml_sink sink = good_sink(); return LIB(rustml_session_snapshot_write)(h, &sink, NULL, error))
HANDLE_CALL(s_restore, const rustml_reader reader = good_reader(); return LIB(rustml_session_restore)(h, &reader, NULL, NULL, error))
HANDLE_CALL(s_save, return LIB(rustml_session_save)(h, "/tmp/x", 6, NULL, error))
HANDLE_CALL(s_load, return LIB(rustml_session_load)(h, "/tmp/x", 6, NULL, NULL, error))
HANDLE_CALL(s_to_buffer, return LIB(rustml_session_to_buffer)(h, NULL, 0, &needed, NULL, error))
HANDLE_CALL(s_from_buffer, return LIB(rustml_session_from_buffer)(h, (const uint8_t *)"x", 1, NULL, NULL, error))
HANDLE_CALL(s_start, rustml_generation *out; return LIB(rustml_generation_start)(h, &good_prompt, NULL, &out, error))
HANDLE_CALL(s_resume, rustml_generation *out; return LIB(rustml_generation_resume)(h, NULL, &out, error))
HANDLE_CALL(s_generate, return LIB(rustml_generate)(h, &good_prompt, NULL, NULL, NULL, error))
HANDLE_CALL(s_beams, return LIB(rustml_beam_search)(h, &good_prompt, NULL, NULL, NULL, error))
HANDLE_CALL(m_batch, return LIB(rustml_generate_batch)(h, NULL, &good_prompt, NULL, 1, NULL, NULL, error))
HANDLE_CALL(g_next, OUT(rustml_event); return LIB(rustml_generation_next)(h, &out, error))
HANDLE_CALL(g_stop, return LIB(rustml_generation_stop)(h, error))
HANDLE_CALL(g_result, OUT(rustml_result); return LIB(rustml_generation_result)(h, &out, error))
HANDLE_CALL(c_reset, return LIB(rustml_cancel_reset)(h, error))
HANDLE_CALL(c_in_call, rustml_call_options call; LIB(rustml_call_options_init)(&call, sizeof call); call.cancel = h;
            return h ? LIB(rustml_session_eval)(session, kIds, 0, &call, error) : LIB(rustml_cancel_reset)(h, error))
HANDLE_CALL(c_in_generation, rustml_generation_options options; rustml_generation * out;
            LIB(rustml_generation_options_init)(&options, sizeof options); options.cancel = h;
            return h ? LIB(rustml_generation_start)(session, &good_prompt, &options, &out, error) : LIB(rustml_cancel_reset)(h, error))

static const struct {
  char type;
  int32_t (*call)(void *handle, rustml_error **error);
} kHandleCalls[] = {{'m', m_info},          {'m', m_describe},    {'m', m_encode},  {'m', m_decode}, {'m', m_token_bytes},
                    {'m', m_token_info},    {'m', m_chat},        {'m', m_session}, {'s', s_reset},  {'s', s_rewind},
                    {'s', s_fork},          {'s', s_info},        {'s', s_tokens},  {'s', s_eval},   {'s', s_logits},
                    {'s', s_size},          {'s', s_write},       {'s', s_restore}, {'s', s_save},   {'s', s_load},
                    {'s', s_to_buffer},     {'s', s_from_buffer}, {'s', s_start},   {'s', s_resume}, {'s', s_generate},
                    {'g', g_next},          {'g', g_stop},        {'g', g_result},  {'c', c_reset},  {'c', c_in_call},
                    {'c', c_in_generation}, {'s', s_beams},       {'m', m_batch}};

/* What counts references or must work in a signal handler has no error object. */
static void check_no_reference(char type, void *h) {
  if (type == 'm') CHECK(LIB(rustml_model_retain)(h) == NULL && LIB(rustml_model_release)(h) == RUSTML_INVALID_HANDLE);
  if (type == 's') CHECK(LIB(rustml_session_retain)(h) == NULL && LIB(rustml_session_release)(h) == RUSTML_INVALID_HANDLE);
  if (type == 'g') CHECK(LIB(rustml_generation_retain)(h) == NULL && LIB(rustml_generation_release)(h) == RUSTML_INVALID_HANDLE);
  if (type == 'c') {
    CHECK(LIB(rustml_cancel_retain)(h) == NULL && LIB(rustml_cancel_release)(h) == RUSTML_INVALID_HANDLE);
    CHECK(LIB(rustml_cancel_trigger)(h, 1) == RUSTML_INVALID_HANDLE && LIB(rustml_cancel_is_triggered)(h) == 0);
  }
  if (type == 'e') {
    CHECK(LIB(rustml_error_code)(h) == RUSTML_INVALID_HANDLE && LIB(rustml_error_release)(h) == RUSTML_INVALID_HANDLE);
    CHECK(strcmp(LIB(rustml_error_message)(h), "error handle is not valid") == 0);
    CHECK(strcmp(LIB(rustml_error_detail_json)(h), "{}") == 0 && LIB(rustml_error_callback_value)(h) == 0);
  }
}

#endif
