// What leaves a call, whatever happens inside: through the exported functions, and on guard() itself, around bodies that a sound library
// does not have.
#include "api/guard.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <new>
#include <stdexcept>
#include <thread>

#include "generation/generation.h"

namespace {

using namespace rustml;
using api::Status;

class Guard : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = RUSTML_TEST_DATA "/../golden/data/base_q8_0.gguf";
    ASSERT_EQ(rustml_model_open(path.data(), path.size(), nullptr, &model, nullptr, nullptr), RUSTML_OK);
    api::guard(nullptr, [&](api::Scope& scope) { engine = scope.shared_model(model); });
    rustml_session_options options;
    rustml_session_options_init(&options, sizeof options);
    options.prefill_chunk = 1;
    ASSERT_EQ(rustml_session_create(model, &options, &session, nullptr, nullptr), RUSTML_OK);
  }
  void TearDown() override {
    EXPECT_EQ(rustml_session_release(session), RUSTML_OK);
    EXPECT_EQ(n_sessions(), 0u);
    EXPECT_EQ(rustml_model_release(model), RUSTML_OK);
    EXPECT_TRUE(engine.expired());
  }
  // Status of a call that holds the session while `work` runs; the error's message in `message`.
  int32_t call(const std::function<void()>& work) {
    rustml_error* error = nullptr;
    const int32_t status = api::guard(&error, [&](api::Scope& scope) {
      scope.session(session);
      work();
    });
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
  uint32_t n_sessions() const { return engine.lock()->info().n_sessions; }
  rustml_model* model = nullptr;
  rustml_session* session = nullptr;
  std::weak_ptr<generation::Engine> engine;
  std::string message;
};

TEST_F(Guard, EveryExceptionIsAStatus) {
  EXPECT_EQ(call([] { base::fail(Status::data_loss, "file is cut\nin two"); }), RUSTML_DATA_LOSS);
  EXPECT_EQ(message, "file is cut in two");
  EXPECT_EQ(call([] { throw std::bad_alloc(); }), RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_EQ(call([] { throw std::bad_array_new_length(); }), RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_EQ(poisoned(), 0u);
  EXPECT_EQ(call([] {}), RUSTML_OK);
}

TEST_F(Guard, OurMistakePoisonsThatSessionOnly) {
  rustml_session* other = nullptr;
  ASSERT_EQ(rustml_session_create(model, nullptr, &other, nullptr, nullptr), RUSTML_OK);
  EXPECT_EQ(call([] { throw std::logic_error("broken invariant"); }), RUSTML_INTERNAL);
  EXPECT_EQ(message, "broken invariant");
  EXPECT_EQ(call([] {}), RUSTML_POISONED);
  EXPECT_EQ(poisoned(), 1u);
  uint64_t needed;
  EXPECT_EQ(rustml_session_tokens(session, nullptr, 0, &needed, nullptr), RUSTML_POISONED);
  EXPECT_EQ(rustml_session_reset(session, nullptr), RUSTML_POISONED);
  EXPECT_EQ(rustml_session_reset(other, nullptr), RUSTML_OK);
  EXPECT_EQ(rustml_session_release(other), RUSTML_OK);
}

TEST_F(Guard, AnyThrownTypeIsInternal) {
  EXPECT_EQ(call([] { throw 42; }), RUSTML_INTERNAL);
  EXPECT_EQ(poisoned(), 1u);
}

TEST_F(Guard, BusyWhileAnotherThreadRuns) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    const int32_t status = api::guard(nullptr, [&](api::Scope& scope) {
      const int32_t id = 'y';
      runtime::StopSignal none;
      runtime::Call call{none, {}};
      scope.session(session).session->eval(&id, 1, call);
      stage = 1;
      while (stage != 2) std::this_thread::yield();
    });
    EXPECT_EQ(status, RUSTML_OK);
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
  const int32_t status = api::guard(nullptr, [&](api::Scope& scope) {
    scope.session(doomed);
    EXPECT_EQ(rustml_session_release(doomed), RUSTML_OK);
    EXPECT_EQ(rustml_session_reset(doomed, nullptr), RUSTML_INVALID_HANDLE);
    EXPECT_EQ(n_sessions(), 2u);
  });
  EXPECT_EQ(status, RUSTML_OK);
  EXPECT_EQ(n_sessions(), 1u);
}

TEST_F(Guard, LastReleaseOfAGenerationDuringACallIsClosedByThatCall) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = {"hi", 2};
  rustml_generation* handle = nullptr;
  ASSERT_EQ(rustml_generation_start(session, &prompt, nullptr, &handle, nullptr), RUSTML_OK);
  std::weak_ptr<generation::Generation> alive;
  api::guard(nullptr, [&](api::Scope& scope) { alive = scope.generation(handle).closing->generation; });
  EXPECT_EQ(call([&] {
              std::thread([&] { EXPECT_EQ(rustml_generation_release(handle), RUSTML_OK); }).join();
              EXPECT_FALSE(alive.expired());
            }),
            RUSTML_OK);
  EXPECT_TRUE(alive.expired());
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
  std::thread([&] {
    EXPECT_EQ(call([] {
                pthread_cancel(pthread_self());
                pthread_testcancel();
              }),
              RUSTML_OK);
    returned = true;
    pthread_testcancel();
    ADD_FAILURE() << "was not cancelled";
  }).join();
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
  rustml_callback progress;
  rustml_callback_init(&progress, sizeof progress);
  progress.user_data = cancel;
  progress.on_event = [](void* user_data, const rustml_event*) -> int32_t {  // after the first of two passes
    auto* cancel = static_cast<rustml_cancel*>(user_data);
    EXPECT_EQ(rustml_cancel_reset(cancel, nullptr), RUSTML_BUSY);
    EXPECT_EQ(rustml_cancel_trigger(cancel, 2), RUSTML_OK);
    EXPECT_EQ(rustml_cancel_release(cancel), RUSTML_OK);  // the call goes on to know it
    return 0;
  };
  rustml_call_options options;
  rustml_call_options_init(&options, sizeof options);
  options.cancel = cancel;
  options.progress = &progress;
  const int32_t ids[2] = {'y', 'z'};
  EXPECT_EQ(rustml_session_eval(session, ids, 2, &options, nullptr), RUSTML_DEADLINE_EXCEEDED);
  EXPECT_EQ(rustml_cancel_trigger(cancel, 1), RUSTML_INVALID_HANDLE);
}

}  // namespace
