#include "runtime/seats.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace rustml::runtime {
namespace {

// Calls n workers and waits until all have answered.
void gather(Seats& seats, int n) {
  seats.call(n, false);
  for (int i = 0; i < n; ++i)
    while (!seats.answered(i)) std::this_thread::yield();
}

TEST(Seats, WorkersExecuteTheirOrdersAndNoOthers) {
  std::atomic<int> executed{0}, wrong{0};
  int told = 0;  // plain: an order publishes what was written before it
  Seats seats([&](int step, int rank, int size, PieceLog& pieces) {
    if (step != told || rank < 1 || rank >= size || size != 4 || pieces.last_ns != static_cast<uint64_t>(step)) wrong.fetch_add(1);
    pieces.last_ns = static_cast<uint64_t>(step) + 1;
    executed.fetch_add(1);
  });
  EXPECT_EQ(seats.count(), 0);
  seats.grow(3);
  seats.grow(2);
  ASSERT_EQ(seats.count(), 3);
  for (int pass = 0; pass < 20; ++pass) {
    gather(seats, 3);
    for (int step = 0; step < 10; ++step) {
      told = step;
      for (int i = 0; i < 3; ++i) seats.order(i, step, i + 1, 4);
      seats.wait_for(3);
      EXPECT_EQ(executed.load(), pass * 30 + step * 3 + 3);
    }
    for (int i = 0; i < 3; ++i) EXPECT_EQ(seats.pieces(i).last_ns, 10u);
  }
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Seats, SleepingWorkersHearACallAndAnOrder) {
  std::atomic<int> executed{0};
  Seats seats([&](int, int, int, PieceLog&) { executed.fetch_add(1); });
  seats.grow(2);
  seats.set_spin(1000);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    gather(seats, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    seats.order(1, 0, 1, 2);  // of two one
    seats.wait_for(1);
    EXPECT_EQ(executed.load(), i + 1);
  }
}

}  // namespace
}  // namespace rustml::runtime
