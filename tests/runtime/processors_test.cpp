#include "runtime/processors.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace rustml::runtime {
namespace {

TEST(Topology, IsAtMostTheProcessorsAndFollowsTheAffinityMask) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(), 1);
  sched_setaffinity(0, sizeof before, &before);
}

class Quota : public testing::Test {
 protected:
  Quota() { std::filesystem::create_directories(root_); }
  ~Quota() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  double quota(const std::string& groups) {
    write("/self", groups);
    return quota_processors(root_ + "/self", root_ + "/fs");
  }
  const std::string root_ = testing::TempDir() + "rustml_quota_" + std::to_string(getpid());
};

TEST_F(Quota, IsTheLeastOfTheGroupsOnTheWayToTheRoot) {
  write("/fs/a/cpu.max", "250000 100000\n");
  write("/fs/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 2.5);
  write("/fs/a/b/c/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota("0::/a/b/c\n"), 1.5);
  EXPECT_EQ(quota("0::/a/b/gone\n"), 2.5);
  EXPECT_EQ(quota("0::/\n"), HUGE_VAL);
  write("/fs/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota("0::/\n"), 0.5) << "as a container sees its own group";
}

TEST_F(Quota, VersionOneHasTwoFilesAndItsOwnTree) {
  write("/fs/cpu/cpu.cfs_quota_us", "-1\n");
  write("/fs/cpu/cpu.cfs_period_us", "100000\n");
  write("/fs/cpu/x/cpu.cfs_quota_us", "30000\n");
  write("/fs/cpu/x/cpu.cfs_period_us", "10000\n");
  EXPECT_EQ(quota("5:memory:/x\n4:cpu,cpuacct:/x/y\n0::/\n"), 3);
  EXPECT_EQ(quota("5:cpuset:/x\n"), HUGE_VAL);
  EXPECT_EQ(quota("4:cpu:/\n"), HUGE_VAL);
}

TEST_F(Quota, NothingReadableIsNoLimit) {
  EXPECT_EQ(quota_processors(root_ + "/absent", root_), HUGE_VAL);
  write("/fs/cpu.max", "nonsense\n");
  EXPECT_EQ(quota("0::/\n::\nx\n"), HUGE_VAL);
}

cpu_set_t mask_of(pthread_t thread) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  EXPECT_EQ(pthread_getaffinity_np(thread, sizeof mask, &mask), 0);
  return mask;
}

TEST(Placement, AThreadLeavesTheCallersProcessorAndGetsBackWhatItHad) {
  std::atomic<bool> quit{false};
  Thread thread([&] { quit.wait(false); });
  const cpu_set_t before = mask_of(thread.handle());
  Placement placement;
  placement.restore(thread);  // nothing was changed
  cpu_set_t now = mask_of(thread.handle());
  EXPECT_TRUE(CPU_EQUAL(&now, &before));

  const cpu_set_t own = mask_of(pthread_self());
  for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE && seen < 3; ++cpu) {
    if (!CPU_ISSET(cpu, &own)) continue;
    ++seen;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof only, &only), 0);
    placement.avoid_mine(thread);
    now = mask_of(thread.handle());
    if (CPU_COUNT(&before) > 1) {
      EXPECT_FALSE(CPU_ISSET(cpu, &now));
      EXPECT_EQ(CPU_COUNT(&now), CPU_COUNT(&before) - 1) << "those avoided before are allowed again";
    } else {
      EXPECT_TRUE(CPU_EQUAL(&now, &before)) << "there is no other";
    }
  }
  EXPECT_EQ(pthread_setaffinity_np(pthread_self(), sizeof own, &own), 0);
  placement.restore(thread);
  now = mask_of(thread.handle());
  EXPECT_TRUE(CPU_EQUAL(&now, &before));
  quit = true;
  quit.notify_all();
  thread.join();
}

}  // namespace
}  // namespace rustml::runtime
