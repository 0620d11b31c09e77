#include "api/cancel_slot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "api/handles.h"

namespace rustml::api {
namespace {

using base::Status;

TEST(CancelSlot, FirstReasonStays) {
  CancelSlot slot;
  slot.open(7);
  EXPECT_FALSE(slot.triggered(7));
  EXPECT_TRUE(slot.trigger(7, 5));
  EXPECT_TRUE(slot.trigger(7, 6));
  EXPECT_TRUE(slot.triggered(7));
  EXPECT_EQ(slot.flag().reason, 5u);
  EXPECT_NE(slot.flag().time_ns, 0u);
}

TEST(CancelSlot, AnotherGenerationMisses) {
  CancelSlot slot;
  slot.open(7);
  EXPECT_FALSE(slot.trigger(6, 1));
  EXPECT_FALSE(slot.triggered(6));
  EXPECT_TRUE(slot.close());
  EXPECT_FALSE(slot.trigger(7, 1));
  slot.open(8);
  EXPECT_FALSE(slot.trigger(7, 1));
  EXPECT_EQ(slot.flag().reason, 0u);
}

TEST(CancelSlot, ResetNeedsAnIdleFlag) {
  CancelSlot slot;
  slot.open(1);
  slot.trigger(1, 3);
  ASSERT_TRUE(slot.begin_call());
  EXPECT_FALSE(slot.reset(1));
  EXPECT_TRUE(slot.triggered(1));
  slot.end_call();
  EXPECT_TRUE(slot.reset(1));
  EXPECT_FALSE(slot.triggered(1));
  EXPECT_EQ(slot.flag().reason, 0u);
  EXPECT_TRUE(slot.trigger(1, 4));
  EXPECT_EQ(slot.flag().reason, 4u);
}

bool triggered(uint64_t handle) {
  uint32_t reason;
  cancel_reason(handle, reason);
  return reason != 0;
}

// Threads trigger handles that are being released and reused: a fresh handle must never be found triggered.
TEST(CancelSlot, StaleTriggersNeverReachALaterHandle) {
  std::atomic<uint64_t> current{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!over)
        if (const uint64_t handle = current.load()) trigger_cancel(handle, 1);
    });
  for (int i = 0; i < 20000; ++i) {
    const uint64_t doomed = create_handle(Type::cancel, nullptr);
    current = doomed;
    if (i % 64 == 0) std::this_thread::yield();
    ASSERT_EQ(release_handle(doomed, Type::cancel), Status::ok);
    const uint64_t fresh = create_handle(Type::cancel, nullptr);  // most likely in the same slot
    Pin pin;
    ASSERT_EQ(pin_handle(fresh, Type::cancel, pin), Status::ok);
    ASSERT_FALSE(triggered(fresh));
    ASSERT_EQ(pin.cancel().flag().reason, 0u);
    if (i % 64 == 32) std::this_thread::yield();
    ASSERT_EQ(pin.cancel().flag().reason, 0u);
    pin = Pin();
    release_handle(fresh, Type::cancel);
  }
  over = true;
  for (auto& thread : threads) thread.join();
}

TEST(CancelSlot, AttachedHandleOutlivesItsRelease) {
  const uint64_t handle = create_handle(Type::cancel, nullptr);
  Pin pin;
  ASSERT_EQ(pin_handle(handle, Type::cancel, pin), Status::ok);
  EXPECT_EQ(trigger_cancel(handle, 9), Status::ok);
  EXPECT_EQ(release_handle(handle, Type::cancel), Status::ok);
  EXPECT_EQ(trigger_cancel(handle, 9), Status::invalid_handle);
  EXPECT_FALSE(triggered(handle));
  EXPECT_EQ(pin.cancel().flag().reason, 9u);
}

}  // namespace
}  // namespace rustml::api
