#include "runtime/jobs.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/error.h"

namespace rustml::runtime {
namespace {

TEST(Jobs, EachBodyRunsOnceOnTheTeamsThreadsOnly) {
  const auto team = ThreadTeam::lease();
  StopSignal stop;
  std::vector<std::atomic<int>> ran(1000);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  run_jobs(*team, 3, 1000, stop, "test", [&](int64_t i) {
    ran[static_cast<size_t>(i)].fetch_add(1);
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  for (const auto& n : ran) EXPECT_EQ(n.load(), 1);
  EXPECT_LE(threads.size(), 3u) << "oneTBB made threads of its own";
}

TEST(Jobs, TheFirstExceptionComesBackAndTheRestIsDropped) {
  const auto team = ThreadTeam::lease();
  StopSignal stop;
  std::atomic<int> ran{0};
  EXPECT_THROW(run_jobs(*team, 2, 10'000, stop, "test",
                        [&](int64_t) {
                          ran.fetch_add(1);
                          throw std::runtime_error("broken");
                        }),
               std::runtime_error);
  EXPECT_LE(ran.load(), 2);
}

TEST(Jobs, ACancelDropsWhatHasNotBegun) {
  const auto team = ThreadTeam::lease();
  CancelFlag flag;
  StopSignal stop(&flag);
  std::atomic<int> ran{0};
  try {
    run_jobs(*team, 2, 10'000, stop, "test", [&](int64_t) {
      ran.fetch_add(1);
      flag.trigger(1);
    });
    FAIL() << "no error";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.status(), base::Status::cancelled);
  }
  EXPECT_LE(ran.load(), 2);
}

}  // namespace
}  // namespace rustml::runtime
