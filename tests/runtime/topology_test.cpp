#include "runtime/topology.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

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

}  // namespace
}  // namespace rustml::runtime
