#include "runtime/placement.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>

namespace rustml::runtime {
namespace {

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
