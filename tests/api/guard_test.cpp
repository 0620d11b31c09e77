// What leaves a call, whatever happens inside: through the exported functions, on the stand-in engine.
#include "api/guard.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <new>
#include <stdexcept>
#include <thread>

#include "fake_engine.h"

namespace {

using namespace rustml;
using api::Status;

class Guard : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(rustml_model_open_memory("FAKE", 4, nullptr, &model, nullptr, nullptr), RUSTML_OK);
    ASSERT_EQ(rustml_session_create(model, nullptr, &session, nullptr, nullptr), RUSTML_OK);
  }
  void TearDown() override {
    fake::on_work = nullptr;
    EXPECT_EQ(rustml_session_release(session), RUSTML_OK);
    EXPECT_EQ(rustml_model_release(model), RUSTML_OK);
    EXPECT_EQ(fake::n_sessions, 0);
    EXPECT_EQ(fake::n_engines, 0);
  }
  // Status of an eval inside of which `work` runs; the error's message in `message`.
  int32_t eval(std::function<void()> work) {
    fake::on_work = std::move(work);
    const int32_t id = 'x';
    rustml_error* error = nullptr;
    const int32_t status = rustml_session_eval(session, &id, 1, nullptr, &error);
    fake::on_work = nullptr;
    message = error ? rustml_error_message(error) : "";
    EXPECT_EQ(error ? rustml_error_code(error) : RUSTML_OK, status);
    EXPECT_EQ(rustml_error_release(error), RUSTML_OK);
    return status;
  }
  uint32_t poisoned() {
    rustml_session_info info{};
    info.struct_size = sizeof info;
    EXPECT_EQ(rustml_session_get_info(session, &info, nullptr), RUSTML_OK);
    return info.poisoned;
  }
  rustml_model* model = nullptr;
  rustml_session* session = nullptr;
  std::string message;
};

TEST_F(Guard, EveryExceptionIsAStatus) {
  EXPECT_EQ(eval([] { base::fail(Status::data_loss, "file is cut\nin two"); }), RUSTML_DATA_LOSS);
  EXPECT_EQ(message, "file is cut in two");
  EXPECT_EQ(eval([] { throw std::bad_alloc(); }), RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_EQ(eval([] { throw std::bad_array_new_length(); }), RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_EQ(poisoned(), 0u);
  EXPECT_EQ(eval([] {}), RUSTML_OK);
}

TEST_F(Guard, OurMistakePoisonsThatSessionOnly) {
  rustml_session* other = nullptr;
  ASSERT_EQ(rustml_session_create(model, nullptr, &other, nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(eval([] { throw std::logic_error("broken invariant"); }), RUSTML_INTERNAL);
  EXPECT_EQ(message, "broken invariant");
  EXPECT_EQ(eval([] {}), RUSTML_POISONED);
  EXPECT_EQ(poisoned(), 1u);
  uint64_t needed;
  EXPECT_EQ(rustml_session_tokens(session, nullptr, 0, &needed, nullptr), RUSTML_POISONED);
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_POISONED);
  EXPECT_EQ(rustml_session_reset(other, nullptr), RUSTML_OK);
  EXPECT_EQ(rustml_session_release(other), RUSTML_OK);
}

TEST_F(Guard, AnyThrownTypeIsInternal) {
  EXPECT_EQ(eval([] { throw 42; }), RUSTML_INTERNAL);
  EXPECT_EQ(poisoned(), 1u);
}

TEST_F(Guard, BusyWhileAnotherThreadRuns) {
  std::atomic<int> stage{0};
  fake::on_work = [&] {
    stage = 1;
    while (stage != 2) std::this_thread::yield();
  };
  std::thread other([&] {
    const int32_t id = 'y';
    EXPECT_EQ(rustml_session_eval(session, &id, 1, nullptr, nullptr), RUSTML_OK);
  });
  while (stage != 1) std::this_thread::yield();
  rustml_session_info info{};
  info.struct_size = sizeof info;
  uint64_t needed;
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_BUSY);
  EXPECT_EQ(rustml_session_get_info(session, &info, nullptr), RUSTML_OK);
  EXPECT_EQ(info.position, 0u) << "as it was when the call began";
  EXPECT_EQ(rustml_session_tokens(session, nullptr, 0, &needed, nullptr), RUSTML_BUSY);
  rustml_model_info model_info{};
  model_info.struct_size = sizeof model_info;
  EXPECT_EQ(rustml_model_get_info(model, &model_info, nullptr), RUSTML_OK);
  // The last release does not wait, and the call keeps what it needs.
  rustml_session_retain(session);
  EXPECT_EQ(rustml_session_release(session), RUSTML_OK);
  stage = 2;
  other.join();
  EXPECT_EQ(rustml_session_get_info(session, &info, nullptr), RUSTML_OK);
  EXPECT_EQ(info.position, 1u);
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_OK);
}

TEST_F(Guard, ReleasedSessionLivesUntilItsCallReturns) {
  rustml_session* doomed = nullptr;
  ASSERT_EQ(rustml_session_create(model, nullptr, &doomed, nullptr, nullptr), RUSTML_OK);
  const int32_t id = 'y';
  fake::on_work = [&] {
    EXPECT_EQ(rustml_session_release(doomed), RUSTML_OK);
    EXPECT_EQ(rustml_session_reset(doomed, nullptr), RUSTML_INVALID_HANDLE);
    EXPECT_EQ(fake::n_sessions, 2);
  };
  EXPECT_EQ(rustml_session_eval(doomed, &id, 1, nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(fake::n_sessions, 1);
}

TEST_F(Guard, LastReleaseOfAGenerationDuringACallIsClosedByThatCall) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = {"hi", 2};
  rustml_generation* generation = nullptr;
  ASSERT_EQ(rustml_generation_start(session, &prompt, nullptr, &generation, nullptr), RUSTML_OK);
  fake::on_work = [&] {  // inside snapshot_write, which holds the session
    std::thread([&] { EXPECT_EQ(rustml_generation_release(generation), RUSTML_OK); }).join();
    EXPECT_EQ(fake::n_generations, 1);
  };
  rustml_sink sink;
  rustml_sink_init(&sink, sizeof sink);
  sink.write = [](void*, const void*, uint64_t) { return 0; };
  EXPECT_EQ(rustml_session_snapshot_write(session, &sink, nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(fake::n_generations, 0);
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_OK);
}

TEST_F(Guard, AThreadThatEndsItselfInACallbackLeavesNothingLocked) {
#ifdef RUSTML_SANITIZED
  GTEST_SKIP() << "sanitizers mistake a thread's unwinding (pthread_exit, pthread_cancel) for a fault of the stack";
#endif
  std::thread([&] {
    rustml_callback callback;
    rustml_callback_init(&callback, sizeof callback);
    callback.on_event = [](void*, const rustml_event*) -> int32_t { pthread_exit(nullptr); };
    rustml_call_options call;
    rustml_call_options_init(&call, sizeof call);
    call.progress = &callback;
    const int32_t id = 'y';
    rustml_session_eval(session, &id, 1, &call, nullptr);
    ADD_FAILURE() << "came back";
  }).join();
  const int32_t status = rustml_session_reset(session, nullptr);
  EXPECT_TRUE(status == RUSTML_OK || status == RUSTML_BUSY) << status;
}

TEST_F(Guard, ACancelledThreadFinishesItsCallFirst) {
#ifdef RUSTML_SANITIZED
  GTEST_SKIP() << "sanitizers mistake a thread's unwinding (pthread_exit, pthread_cancel) for a fault of the stack";
#endif
  std::atomic<bool> returned{false};
  fake::on_work = [] {
    pthread_cancel(pthread_self());
    pthread_testcancel();
  };
  std::thread([&] {
    const int32_t id = 'y';
    EXPECT_EQ(rustml_session_eval(session, &id, 1, nullptr, nullptr), RUSTML_OK);
    returned = true;
    pthread_testcancel();
    ADD_FAILURE() << "was not cancelled";
  }).join();
  fake::on_work = nullptr;
  EXPECT_TRUE(returned);
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_OK);
}

TEST_F(Guard, AnErrorCanAlwaysBeMade) {
  auto* error = reinterpret_cast<rustml_error*>(api::kOutOfMemoryError);
  EXPECT_EQ(rustml_error_code(error), RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_STREQ(rustml_error_detail_json(error), "{}");
  EXPECT_NE(std::string(rustml_error_message(error)), "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rustml_error_release(error), RUSTML_OK);
}

TEST_F(Guard, RunningCallsAreKnownToTheirCancelHandle) {
  rustml_cancel* cancel = nullptr;
  ASSERT_EQ(rustml_cancel_create(&cancel, nullptr), RUSTML_OK);
  rustml_call_options call;
  rustml_call_options_init(&call, sizeof call);
  call.cancel = cancel;
  const int32_t id = 'y';
  fake::on_work = [&] {
    EXPECT_EQ(rustml_cancel_reset(cancel, nullptr), RUSTML_BUSY);
    EXPECT_EQ(rustml_cancel_trigger(cancel, 2), RUSTML_OK);
    EXPECT_EQ(rustml_cancel_release(cancel), RUSTML_OK);  // the call goes on to know it
  };
  EXPECT_EQ(rustml_session_eval(session, &id, 1, &call, nullptr), RUSTML_DEADLINE_EXCEEDED);
  EXPECT_EQ(rustml_cancel_trigger(cancel, 1), RUSTML_INVALID_HANDLE);
}

}  // namespace
