#include "generation/events.h"

#include <gtest/gtest.h>

namespace rustml::generation {
namespace {

TEST(Events, AStopIsNotedWithItsCause) {
  runtime::CancelFlag flag;
  flag.trigger(7);
  runtime::StopSignal cancelled(&flag), late(nullptr, 1);
  ASSERT_TRUE(cancelled.poll() && late.poll());
  Result result;
  note_stop(result, cancelled);
  EXPECT_EQ(result.status, base::Status::cancelled);
  EXPECT_EQ(result.finish, Finish::cancelled);
  EXPECT_EQ(result.cancel_reason, 7u);
  result = {};
  note_stop(result, late);
  EXPECT_EQ(result.status, base::Status::deadline_exceeded);
  EXPECT_EQ(result.deadline, Deadline::total);
}

}  // namespace
}  // namespace rustml::generation
