#include "runtime/turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace rustml::runtime {
namespace {

// A plain number: ThreadSanitizer sees it if two have a turn at once, or if a turn is handed over without order.
TEST(Turns, OneAtATimeAndEachSeesTheOneBefore) {
  Turns turns;
  int64_t count = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      StopSignal stop;
      for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(turns.take(stop));
        ++count;
        turns.end(stop);
      }
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(count, 400);
}

TEST(Turns, AreTakenInOrderOfArrival) {
  Turns turns;
  StopSignal first;
  ASSERT_TRUE(turns.take(first));
  EXPECT_FALSE(turns.crowded());
  std::vector<int> order;
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c) {
    callers.emplace_back([&, c] {
      StopSignal stop;
      ASSERT_TRUE(turns.take(stop));
      order.push_back(c);
      std::this_thread::sleep_for(std::chrono::milliseconds(11));  // longer than a turn may be kept
      turns.end(stop);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  EXPECT_TRUE(turns.crowded());
  turns.end(first);
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(Turns, AWaitingCallerCanBeStopped) {
  Turns turns;
  StopSignal first, late(nullptr, now_ns() + 5'000'000);
  ASSERT_TRUE(turns.take(first));
  EXPECT_FALSE(turns.take(late));
  EXPECT_EQ(late.cause(), StopCause::total_deadline);
  turns.end(first);
  EXPECT_TRUE(turns.take(first)) << "nobody is left in the queue";
  turns.end(first);
}

TEST(Turns, OneWhoStaysAwayHoldsNobodyUp) {
  Turns turns;
  StopSignal away;
  ASSERT_TRUE(turns.take(away));
  std::thread waiting([&] {
    StopSignal stop;
    ASSERT_TRUE(turns.take(stop));
    turns.end(stop);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  turns.end(away);  // kept, if the other one has arrived
  waiting.join();
}

}  // namespace
}  // namespace rustml::runtime
