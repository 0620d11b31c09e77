#include "runtime/side_job.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace rustml::runtime {
namespace {

TEST(SideJob, RunsBesideTheCallerAndWaits) {
  std::atomic<bool> go{false};
  std::thread::id where;
  SideJob job(
      [&] {
        where = std::this_thread::get_id();
        while (!go.load()) std::this_thread::yield();
      },
      false);
  EXPECT_TRUE(job.running());
  go.store(true);
  job.finish();
  EXPECT_FALSE(job.running());
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(SideJob, AloneItIsDoneWhenItIsMade) {
  std::thread::id where;
  SideJob job([&] { where = std::this_thread::get_id(); }, true);
  EXPECT_FALSE(job.running());
  EXPECT_EQ(where, std::this_thread::get_id());
  job.finish();
}

TEST(SideJob, HandsOnWhatTheWorkThrewOnce) {
  for (const bool alone : {false, true}) {
    SideJob job([] { throw std::runtime_error("no"); }, alone);
    EXPECT_THROW(job.finish(), std::runtime_error);
    job.finish();
  }
  bool ended = false;
  {
    const SideJob forgotten([&] { ended = true; }, false);
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace rustml::runtime
