#include "api/objects.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "../generation/tiny.h"

namespace rustml::api {
namespace {

std::atomic<int> n_closed{0};

// Closes no generation, but counts.
std::unique_ptr<Closing> closing() {
  auto made = std::make_unique<Closing>();
  made->generation = {nullptr, [](generation::Generation*) { ++n_closed; }};
  return made;
}

std::shared_ptr<generation::Session> tiny_session() { return generation::new_session(generation::open_tiny("base_q8_0")); }

TEST(SessionState, OneCallAtATime) {
  SessionState state(nullptr, tiny_session());
  EXPECT_EQ(state.try_lock(), SessionState::Lock::taken);
  EXPECT_EQ(state.try_lock(), SessionState::Lock::mine);
  std::thread([&] { EXPECT_EQ(state.try_lock(), SessionState::Lock::busy); }).join();
  state.unlock();
  std::thread([&] {
    EXPECT_EQ(state.try_lock(), SessionState::Lock::taken);
    state.unlock();
  }).join();
}

TEST(SessionState, OthersSeeWhatWasPublished) {
  const auto session = tiny_session();
  SessionState state(nullptr, session);
  runtime::StopSignal none;
  runtime::Call call{none, {}};
  const int32_t ids[] = {1, 2, 3};
  ASSERT_EQ(state.try_lock(), SessionState::Lock::taken);
  session->eval(ids, 2, call);
  EXPECT_EQ(state.published().position, 0u);
  state.publish();
  EXPECT_EQ(state.published().position, 2u);
  session->eval(ids + 2, 1, call);
  state.unlock();
  EXPECT_EQ(state.published().position, 3u);
}

TEST(SessionState, GenerationsAreClosedAtOnceOrByTheRunningCall) {
  n_closed = 0;
  SessionState state(nullptr, tiny_session());
  state.close(closing());
  EXPECT_EQ(n_closed, 1);
  ASSERT_EQ(state.try_lock(), SessionState::Lock::taken);
  std::thread([&] { state.close(closing()); }).join();
  state.close(closing());
  EXPECT_EQ(n_closed, 1);
  state.unlock();
  EXPECT_EQ(n_closed, 3);
}

TEST(SessionState, NoneIsForgottenWhenThreadsRace) {
  n_closed = 0;
  SessionState state(nullptr, tiny_session());
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        if (t > 0)
          state.close(closing());
        else if (state.try_lock() == SessionState::Lock::taken)
          state.unlock();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(n_closed, 10000);
}

}  // namespace
}  // namespace rustml::api
