#include "runtime/deadline.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "../base/three_tries.h"
#include "base/error.h"

namespace rustml::runtime {
namespace {

base::Status status_of(const StopSignal& stop) {
  try {
    stop.raise("test");
  } catch (const base::Error& e) {
    return e.status();
  }
}

TEST(StopSignal, WithoutLimitsNeverStops) {
  StopSignal stop(nullptr, kNever);
  EXPECT_FALSE(stop.poll());
  EXPECT_EQ(stop.triggered_ns(), 0u);
}

TEST(StopSignal, FirstCauseStaysAndTheFlagWins) {
  CancelFlag flag;
  StopSignal stop(&flag, 1);  // the deadline has passed too
  flag.trigger(7);
  flag.trigger(9);
  EXPECT_TRUE(stop.poll());
  EXPECT_EQ(stop.cause(), StopCause::cancelled);
  EXPECT_EQ(stop.cancel_reason(), 7u);
  EXPECT_EQ(status_of(stop), base::Status::cancelled);
  EXPECT_EQ(stop.triggered_ns(), flag.time_ns.load());
}

TEST(StopSignal, ReasonDeadlineIsADeadline) {
  CancelFlag flag;
  StopSignal stop(&flag);
  flag.trigger(2);
  EXPECT_TRUE(stop.poll());
  EXPECT_EQ(status_of(stop), base::Status::deadline_exceeded);
}

TEST(StopSignal, EachLimitHasItsCause) {
  StopSignal total(nullptr, now_ns() - 1);
  EXPECT_TRUE(total.poll());
  EXPECT_EQ(total.cause(), StopCause::total_deadline);

  StopSignal first;
  const uint64_t later = now_ns() + 1'000'000'000;
  first.set_first_token_deadline(later);
  EXPECT_FALSE(first.poll() && now_ns() < later);
  first.set_first_token_deadline(now_ns() - 1);
  EXPECT_TRUE(first.poll());
  EXPECT_EQ(first.cause(), StopCause::first_token_deadline);
  first.set_first_token_deadline(0);
  EXPECT_TRUE(first.stopped()) << "latched";

  // Progress more often than the timeout, for longer than it. Where the system itself took that long between progress and poll,
  // nothing is shown: up to three times.
  constexpr uint64_t kStall = 20'000'000;
  EXPECT_TRUE(test::kept_in_one_of_three("a stall", [] {
    StopSignal stall;
    stall.set_stall_timeout(kStall);
    uint64_t last = 0;
    for (int i = 0; i < 30; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      last = now_ns();
      stall.progress();
    }
    const bool stopped = stall.poll(), late = now_ns() - last >= kStall;
    EXPECT_FALSE(stopped && !late);
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    EXPECT_TRUE(stall.poll());
    EXPECT_EQ(stall.cause(), StopCause::stall);
    return late ? "20 ms between progress and poll" : "";
  }));
}

TEST(StopSignal, AllThreadsAgreeOnTheCause) {
  for (int round = 0; round < 200; ++round) {
    CancelFlag flag;
    StopSignal stop(&flag, now_ns() + 20'000);
    std::vector<StopCause> seen(4);
    std::vector<std::thread> threads;
    for (StopCause& cause : seen)
      threads.emplace_back([&] {
        while (!stop.poll()) {
        }
        cause = stop.cause();
      });
    flag.trigger(1);
    for (std::thread& t : threads) t.join();
    for (const StopCause cause : seen) EXPECT_EQ(cause, seen[0]);
    EXPECT_NE(stop.triggered_ns(), 0u);
  }
}

}  // namespace
}  // namespace rustml::runtime
