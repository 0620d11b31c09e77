#include "runtime/rivals.h"

#include <gtest/gtest.h>

namespace rustml::runtime {
namespace {

constexpr uint64_t kMs = 1'000'000, kUs = 1000;

// A step of 1 ms from `begin` in which the leader waited so long.
void step(Rivals& rivals, uint64_t begin, uint64_t waited, bool crowded = false) { rivals.judge_step(begin, begin + kMs, waited, crowded); }

// Two steps with long waits: when shifts end.
uint64_t end_of_shifts(const Rivals& rivals, uint64_t now) {
  while (rivals.beside(now)) now += 100 * kUs;
  return now;
}

TEST(Rivals, OneLongWaitIsAHiccupAndTwoAreARival) {
  Rivals rivals;
  uint64_t now = 1000 * kMs;
  rivals.begin_pass(0);
  step(rivals, now, 200 * kUs);
  step(rivals, now + 2 * kMs, 900 * kUs);
  EXPECT_FALSE(rivals.beside(now + 3 * kMs));
  step(rivals, now + 60 * kMs, 900 * kUs);  // too long after the first
  EXPECT_FALSE(rivals.beside(now + 61 * kMs));
  step(rivals, now + 70 * kMs, 249 * kUs);  // not long
  EXPECT_FALSE(rivals.beside(now + 71 * kMs));
  step(rivals, now + 72 * kMs, 400 * kUs);
  EXPECT_TRUE(rivals.beside(now + 73 * kMs));
}

TEST(Rivals, ALongStepMayHaveALongWait) {
  Rivals rivals;
  rivals.begin_pass(0);
  for (uint64_t now = 1000 * kMs; now < 1100 * kMs; now += 10 * kMs) rivals.judge_step(now, now + 8 * kMs, kMs, false);
  EXPECT_FALSE(rivals.beside(1100 * kMs));
}

TEST(Rivals, ShiftsAndRestsTakeTurns) {
  Rivals rivals;
  rivals.begin_pass(0);
  uint64_t now = 1000 * kMs;
  step(rivals, now, 900 * kUs);
  step(rivals, now + kMs, 900 * kUs);
  now += 2 * kMs;
  ASSERT_TRUE(rivals.beside(now));
  bool working = false;
  int changes = 0;
  uint64_t worked = 0, rested = 0;
  for (const uint64_t end = now + 7 * kMs; now < end; now += 50 * kUs) {
    const bool admitted = rivals.admits(now, working);
    if (admitted) rivals.works(now);
    changes += admitted != working;
    working = admitted;
    (admitted ? worked : rested) += 50 * kUs;
  }
  EXPECT_GE(changes, 9);
  EXPECT_LE(changes, 11);
  EXPECT_GT(worked, 3 * kMs);
  EXPECT_GT(rested, 3 * kMs);
}

TEST(Rivals, ShiftsLastFourTimesAsLongEachTimeUntilTimeWithoutWaits) {
  Rivals rivals;
  rivals.begin_pass(0);
  uint64_t now = 1000 * kMs;
  step(rivals, now, 900 * kUs);
  uint64_t lasted = 0;
  for (const uint64_t expected : {10, 40, 160, 320, 320}) {
    step(rivals, now, 900 * kUs);  // at the first: what remains of the rival is known
    const uint64_t end = end_of_shifts(rivals, now + kMs);
    lasted = end - now - kMs;
    EXPECT_NEAR(static_cast<double>(lasted), static_cast<double>(expected * kMs), 0.2 * kMs);
    now = end;
  }
  step(rivals, now + 40 * kMs, 0);
  now += 50 * kMs;
  step(rivals, now, 900 * kUs);
  step(rivals, now + kMs, 900 * kUs);
  EXPECT_TRUE(rivals.beside(now + 11 * kMs));
  EXPECT_FALSE(rivals.beside(now + 13 * kMs));
}

TEST(Rivals, LongIdleTimeForgets) {
  Rivals rivals;
  uint64_t now = 1000 * kMs;
  rivals.begin_pass(0);
  step(rivals, now, 900 * kUs);
  step(rivals, now, 900 * kUs);
  now += 11 * kMs;
  rivals.begin_pass(101 * kMs);
  step(rivals, now, 900 * kUs);
  EXPECT_FALSE(rivals.beside(now + 12 * kMs)) << "as long as the first time";
}

TEST(Rivals, AnotherCallerMayHaveTakenTheCore) {
  Rivals rivals;
  const uint64_t now = 1000 * kMs;
  rivals.begin_pass(0);
  step(rivals, now, 900 * kUs, true);
  step(rivals, now + kMs, 900 * kUs, true);
  EXPECT_FALSE(rivals.beside(now + 2 * kMs)) << "that once in a pass is nothing";
  step(rivals, now + 2 * kMs, 900 * kUs, true);
  EXPECT_TRUE(rivals.beside(now + 3 * kMs));
}

}  // namespace
}  // namespace rustml::runtime
