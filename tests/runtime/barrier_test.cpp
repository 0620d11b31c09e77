#include "runtime/barrier.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace rustml::runtime {
namespace {

// A plain number that all threads write in turn between meetings: ThreadSanitizer sees it if a meeting orders too little.
TEST(Barrier, WhatWasDoneBeforeAMeetingIsSeenAfterIt) {
  for (int size : {1, 2, 3}) {
    Barrier barrier;
    int64_t sum = 0;
    std::vector<int64_t> wrong(static_cast<size_t>(size), 0);
    constexpr int kRounds = 300;
    const auto work = [&](int rank) {
      for (int i = 0; i < kRounds; ++i) {
        if (i % size == rank) ++sum;
        barrier.meet(size);
        if (sum != i + 1) ++wrong[static_cast<size_t>(rank)];
        barrier.meet(size);
      }
    };
    std::vector<std::thread> others;
    for (int rank = 1; rank < size; ++rank) others.emplace_back(work, rank);
    work(0);
    for (std::thread& t : others) t.join();
    EXPECT_EQ(wrong, std::vector<int64_t>(static_cast<size_t>(size), 0));
  }
}

TEST(Barrier, WhoWaitsLongSleepsAndSaysHowLong) {
  Barrier barrier;
  EXPECT_EQ(barrier.meet(1), 0u);
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // far more than the others spin
    EXPECT_LT(barrier.meet(2), 10'000'000u);
  });
  EXPECT_GT(barrier.meet(2), 5'000'000u);
  late.join();
}

TEST(Arrivals, AreCountedAnewEachTime) {
  Arrivals arrivals;
  EXPECT_EQ(arrivals.wait_for(0), 0u);
  int64_t done[2] = {};
  Barrier begin;
  std::vector<std::thread> others;
  for (int64_t& mine : done)
    others.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        begin.meet(3);
        ++mine;
        if (i == 100) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        arrivals.arrive();
      }
    });
  for (int i = 0; i < 200; ++i) {
    begin.meet(3);
    arrivals.wait_for(2);
    ASSERT_EQ(done[0], i + 1);
    ASSERT_EQ(done[1], i + 1);
  }
  for (std::thread& t : others) t.join();
}

}  // namespace
}  // namespace rustml::runtime
