#include "cli/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace rustml::cli {
namespace {

TEST(Interrupt, FirstStopsTheAnswerAndCanBeArmedAgain) {
  Interrupt interrupt;
  for (int turn = 0; turn < 3; ++turn) {
    interrupt.arm();
    EXPECT_FALSE(interrupt.fired());
    EXPECT_EQ(rustml_cancel_is_triggered(interrupt.cancel()), 0u);
    raise(SIGINT);
    EXPECT_TRUE(interrupt.fired());
    EXPECT_EQ(rustml_cancel_is_triggered(interrupt.cancel()), 1u);
    interrupt.disarm();
  }
}

TEST(InterruptDeathTest, SecondEndsTheProgram) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Interrupt interrupt;
        interrupt.arm();
        raise(SIGINT);
        raise(SIGINT);
      },
      testing::ExitedWithCode(130), "");
  EXPECT_EXIT(
      {
        Interrupt interrupt;
        raise(SIGINT);
      },
      testing::ExitedWithCode(130), "")
      << "nothing to stop";
}

}  // namespace
}  // namespace rustml::cli
