// destroy runs exactly once per call that got a readable callback, whatever becomes of the call; values come back.
#include "api/callbacks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "base/log.h"

namespace {

using namespace rustml;

struct Seen {
  int n_events = 0, n_destroyed = 0;
  int32_t answer = 0;
  rustml_session* session = nullptr;
  std::string text;
  std::vector<int32_t> ids;
};

int32_t on_event(void* user_data, const rustml_event* event) {
  auto& seen = *static_cast<Seen*>(user_data);
  ++seen.n_events;
  EXPECT_EQ(seen.n_destroyed, 0);
  EXPECT_EQ(event->struct_size, sizeof *event);
  seen.text.append(event->text, event->text_len);
  if (event->kind == RUSTML_EVENT_TOKEN) seen.ids.push_back(event->token_id);
  if (seen.session) {
    rustml_session_info info{};
    info.struct_size = sizeof info;
    EXPECT_EQ(rustml_session_get_info(seen.session, &info, nullptr), RUSTML_OK);  // looking is legal
    EXPECT_EQ(rustml_session_reset(seen.session, nullptr), RUSTML_BUSY);          // changing is not
    const int32_t id = 1;
    EXPECT_EQ(rustml_session_eval(seen.session, &id, 1, nullptr, nullptr), RUSTML_BUSY);
  }
  return seen.answer;
}
void destroy(void* user_data) { ++static_cast<Seen*>(user_data)->n_destroyed; }

rustml_callback callback_for(Seen& seen) {
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_event;
  callback.user_data = &seen;
  callback.destroy = destroy;
  return callback;
}

class Callbacks : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = RUSTML_TEST_DATA "/../golden/data/base_q8_0.gguf";
    ASSERT_EQ(rustml_model_open(path.data(), path.size(), nullptr, &model, nullptr, nullptr), RUSTML_OK);
    rustml_session_options session_options;
    rustml_session_options_init(&session_options, sizeof session_options);
    session_options.prefill_chunk = 1;
    ASSERT_EQ(rustml_session_create(model, &session_options, &session, nullptr, nullptr), RUSTML_OK);
    rustml_prompt_init(&prompt, sizeof prompt);
    prompt.text = {"hi", 2};
    rustml_generation_options_init(&options, sizeof options);
    options.max_tokens = 5;
    options.ignore_eos = 1;
    result.struct_size = sizeof result;
  }
  void TearDown() override {
    rustml_session_release(session);
    rustml_model_release(model);
  }
  rustml_model* model = nullptr;
  rustml_session* session = nullptr;
  rustml_prompt prompt;
  rustml_generation_options options;
  rustml_result result{};
};

TEST_F(Callbacks, GenerateStreamsAndDestroysOnce) {
  Seen seen;
  seen.session = session;
  const rustml_callback callback = callback_for(seen);
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, nullptr), RUSTML_OK);
  EXPECT_EQ(seen.n_events, 6);  // five tokens and the end
  ASSERT_EQ(seen.ids.size(), 5u);
  char text[64];
  uint64_t n_bytes = 0;
  ASSERT_EQ(rustml_model_decode(model, seen.ids.data(), 5, 0, text, sizeof text, &n_bytes, nullptr), RUSTML_OK);
  EXPECT_EQ(seen.text, std::string(text, n_bytes));
  EXPECT_EQ(seen.n_destroyed, 1);
  EXPECT_EQ(result.generated_tokens, 5u);
  EXPECT_EQ(result.finish, RUSTML_FINISH_LENGTH);
}

TEST_F(Callbacks, AnswerStopsAndComesBack) {
  Seen seen;
  seen.answer = -7;
  const rustml_callback callback = callback_for(seen);
  rustml_error* error = nullptr;
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, &error), RUSTML_CALLBACK_STOP);
  EXPECT_EQ(rustml_error_callback_value(error), -7);
  rustml_error_release(error);
  EXPECT_EQ(seen.n_events, 1);
  EXPECT_EQ(seen.n_destroyed, 1);
  EXPECT_EQ(result.callback_value, -7);
  EXPECT_EQ(result.finish, RUSTML_FINISH_CALLBACK);
  EXPECT_EQ(result.status, RUSTML_CALLBACK_STOP);
}

TEST_F(Callbacks, AnExceptionCountsAsMinusOne) {
  Seen seen;
  rustml_callback callback = callback_for(seen);
  callback.on_event = [](void*, const rustml_event*) -> int32_t { throw std::runtime_error("from the host"); };
  callback.destroy = [](void* user_data) {
    destroy(user_data);
    throw 1;
  };
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, nullptr), RUSTML_CALLBACK_STOP);
  EXPECT_EQ(result.callback_value, -1);
  EXPECT_EQ(seen.n_destroyed, 1);
}

TEST_F(Callbacks, DestroyRunsWhenValidationFails) {
  Seen seen;
  rustml_callback callback = callback_for(seen);
  EXPECT_EQ(rustml_generate(nullptr, &prompt, &options, &callback, &result, nullptr), RUSTML_INVALID_HANDLE);
  EXPECT_EQ(seen.n_destroyed, 1);
  EXPECT_EQ(rustml_generate(session, nullptr, &options, &callback, &result, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(seen.n_destroyed, 2);
  callback.reserved0 = 1;
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(seen.n_destroyed, 3);
  callback.reserved0 = 0;
  callback.on_event = nullptr;
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(seen.n_destroyed, 4);
  callback.struct_size = 4;  // not readable
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, nullptr), RUSTML_INVALID_ARGUMENT);
  callback.struct_size = offsetof(rustml_callback, destroy);  // without a destroy
  EXPECT_EQ(rustml_generate(session, &prompt, &options, &callback, &result, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(seen.n_destroyed, 4);
  EXPECT_EQ(seen.n_events, 0);
}

TEST_F(Callbacks, ProgressOfALongCall) {
  Seen seen;
  seen.session = session;
  const rustml_callback callback = callback_for(seen);
  rustml_call_options call;
  rustml_call_options_init(&call, sizeof call);
  call.progress = &callback;
  const int32_t ids[3] = {1, 2, 3};
  EXPECT_EQ(rustml_session_eval(session, ids, 3, &call, nullptr), RUSTML_OK);
  EXPECT_GE(seen.n_events, 2);  // the first and the last
  EXPECT_EQ(seen.n_destroyed, 1);
  seen = Seen();
  seen.answer = 3;
  rustml_error* error = nullptr;
  EXPECT_EQ(rustml_session_eval(session, ids, 3, &call, &error), RUSTML_CALLBACK_STOP);
  EXPECT_EQ(rustml_error_callback_value(error), 3);
  rustml_error_release(error);
  EXPECT_EQ(seen.n_destroyed, 1);
  call.flags = 1;
  EXPECT_EQ(rustml_session_eval(session, ids, 3, &call, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(seen.n_destroyed, 2);
  EXPECT_EQ(rustml_session_eval(nullptr, ids, 3, &call, nullptr), RUSTML_INVALID_HANDLE);
  EXPECT_EQ(seen.n_destroyed, 3);
}

struct Memory {
  std::string bytes;
  int n_destroyed = 0;
  int32_t answer = 0;
};
int32_t read_at(void* user_data, uint64_t offset, void* buf, uint64_t len) {
  auto& memory = *static_cast<Memory*>(user_data);
  if (offset + len > memory.bytes.size()) return 1;
  std::memcpy(buf, memory.bytes.data() + offset, len);
  return memory.answer;
}
int32_t append(void* user_data, const void* data, uint64_t len) {
  auto& memory = *static_cast<Memory*>(user_data);
  memory.bytes.append(static_cast<const char*>(data), len);
  return memory.answer;
}
void destroy_memory(void* user_data) { ++static_cast<Memory*>(user_data)->n_destroyed; }

rustml_reader reader_for(Memory& memory) {
  rustml_reader reader;
  rustml_reader_init(&reader, sizeof reader);
  reader.user_data = &memory;
  reader.size = memory.bytes.size();
  reader.read_at = read_at;
  reader.destroy = destroy_memory;
  return reader;
}

TEST_F(Callbacks, ReadersAndSinks) {
  const int32_t ids[3] = {1, 2, 3};
  ASSERT_EQ(rustml_session_eval(session, ids, 3, nullptr, nullptr), RUSTML_OK);
  Memory memory;
  rustml_sink sink;
  rustml_sink_init(&sink, sizeof sink);
  sink.user_data = &memory;
  sink.write = append;
  sink.destroy = destroy_memory;
  uint64_t size = 0;
  EXPECT_EQ(rustml_session_snapshot_size(session, &size, nullptr), RUSTML_OK);
  EXPECT_EQ(rustml_session_snapshot_write(session, &sink, nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(memory.bytes.size(), size);
  EXPECT_EQ(memory.n_destroyed, 1);

  rustml_reader reader = reader_for(memory);
  rustml_snapshot_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(rustml_snapshot_probe(&reader, &info, nullptr), RUSTML_OK);
  EXPECT_EQ(info.n_tokens, 3u);
  EXPECT_EQ(memory.n_destroyed, 2);
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_OK);
  EXPECT_EQ(rustml_session_restore(session, &reader, nullptr, nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(memory.n_destroyed, 3);
  EXPECT_EQ(rustml_session_restore(nullptr, &reader, nullptr, nullptr, nullptr), RUSTML_INVALID_HANDLE);
  EXPECT_EQ(memory.n_destroyed, 4);

  rustml_error* error = nullptr;
  memory.answer = 11;
  EXPECT_EQ(rustml_session_restore(session, &reader, nullptr, nullptr, &error), RUSTML_CALLBACK_STOP);
  EXPECT_EQ(rustml_error_callback_value(error), 11);
  rustml_error_release(error);
  EXPECT_EQ(memory.n_destroyed, 5);
  error = nullptr;
  EXPECT_EQ(rustml_session_snapshot_write(session, &sink, nullptr, &error), RUSTML_CALLBACK_STOP);
  EXPECT_EQ(rustml_error_callback_value(error), 11);
  rustml_error_release(error);
  EXPECT_EQ(memory.n_destroyed, 6);
  sink.write = nullptr;
  EXPECT_EQ(rustml_session_snapshot_write(session, &sink, nullptr, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(memory.n_destroyed, 7);
}

TEST_F(Callbacks, LogSinkIsDestroyedWhenReplaced) {
  Seen first, second;
  const rustml_callback callback = callback_for(first), other = callback_for(second);
  rustml_log_options options;
  rustml_log_options_init(&options, sizeof options);
  options.callback = &callback;
  options.filter = {"nonsense=", 9};
  EXPECT_EQ(rustml_log_set(&options, nullptr), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(first.n_destroyed, 1);
  first = Seen();
  options.filter = {"rustml::load=info", RUSTML_NUL_TERMINATED};
  EXPECT_EQ(rustml_log_set(&options, nullptr), RUSTML_OK);
  EXPECT_EQ(first.n_destroyed, 0);
  api::guard(nullptr, [](api::Scope&) { base::log(base::LogLevel::info, "rustml::load", "model\nopened"); });
  EXPECT_EQ(first.text, "model\\nopened");
  options.callback = &other;
  EXPECT_EQ(rustml_log_set(&options, nullptr), RUSTML_OK);
  EXPECT_EQ(first.n_destroyed, 1);
  EXPECT_EQ(rustml_log_set(nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(second.n_destroyed, 1);
  EXPECT_EQ(second.n_events, 0);
}

}  // namespace
