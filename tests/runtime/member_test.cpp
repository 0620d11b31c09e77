#include "runtime/member.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace rustml::runtime {
namespace {

TEST(Share, CoversEveryUnitOnceAndEvenly) {
  for (int64_t units : {0, 1, 7, 64, 1000}) {
    for (int size : {1, 2, 3, 8}) {
      int64_t next = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Range r = share(units, rank, size);
        EXPECT_EQ(r.begin, next);
        EXPECT_LE(r.end - r.begin, units / size + 1);
        next = r.end;
      }
      EXPECT_EQ(next, units);
    }
  }
}

// By hand, as one thread after the other would: the order of claims is known then.
TEST(Member, SharesAreGivenFromBothEndsUntilTheyMeet) {
  StepState state;
  StopSignal stop;
  PieceLog pieces[2];
  Member first(state, 0, 2, stop, pieces[0]), second(state, 1, 2, stop, pieces[1]);
  EXPECT_EQ(first.claim(5), 0);
  EXPECT_EQ(second.claim(5, true), 4);
  EXPECT_EQ(second.claim(5, true), 3);
  EXPECT_EQ(first.claim(5), 1);
  EXPECT_EQ(first.claim(5), 2);
  EXPECT_EQ(first.claim(5), 5) << "none is left";
  EXPECT_EQ(first.claim(3), 0) << "the next operation, which the other has not come to";
  EXPECT_EQ(second.claim(5), 5) << "none was left in the one before";
  EXPECT_EQ(second.claim(3), 1);
}

TEST(Member, PiecesBegunAfterAStopAreCounted) {
  StepState state;
  CancelFlag flag;
  StopSignal stop(&flag);
  PieceLog pieces;
  Member member(state, 0, 1, stop, pieces);
  EXPECT_TRUE(member.begin_piece());
  const uint64_t between = now_ns();
  while (now_ns() == between) {
  }
  EXPECT_TRUE(member.begin_piece());
  EXPECT_EQ(pieces.begun_after(0), 2u);
  EXPECT_EQ(pieces.begun_after(between), 1u);
  EXPECT_EQ(pieces.begun_after(now_ns()), 0u);
  flag.trigger(1);
  EXPECT_FALSE(member.begin_piece());
  EXPECT_TRUE(member.stopped());
}

TEST(Member, TheLeadersWaitsAreAddedUp) {
  StepState state;
  StopSignal stop;
  PieceLog pieces[2];
  std::thread late([&] {
    Member member(state, 1, 2, stop, pieces[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    member.sync();
  });
  Member leader(state, 0, 2, stop, pieces[0]);
  leader.sync();
  late.join();
  EXPECT_GT(state.leader_waited_ns, 1'000'000u);
}

}  // namespace
}  // namespace rustml::runtime
