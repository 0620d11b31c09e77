#include "api/handles.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace rustml::api {
namespace {

using base::Status;

std::atomic<int> n_alive{0};
struct Thing final : Object {
  Thing() { ++n_alive; }
  ~Thing() override { --n_alive; }
};

uint64_t make(Type type = Type::model) { return create_handle(type, std::make_unique<Thing>()); }
Status pin_status(uint64_t handle, Type type = Type::model) {
  Pin pin;
  return pin_handle(handle, type, pin);
}

TEST(Handles, LayoutIsTheAbis) {
  const uint64_t handle = make(Type::session);
  EXPECT_EQ(handle >> 56, 2u);                  // type 1 to 127
  EXPECT_GE((handle >> 24) & 0xFFFFFFFFu, 1u);  // generation from 1
  EXPECT_GE(handle, uint64_t{1} << 56);         // never a canonical address
  EXPECT_EQ(release_handle(handle, Type::session), Status::ok);
}

TEST(Handles, ReleasedAndForeignValuesAreRefused) {
  const uint64_t handle = make();
  EXPECT_EQ(pin_status(handle), Status::ok);
  for (const Type other : {Type::session, Type::generation, Type::cancel, Type::error}) {
    EXPECT_EQ(pin_status(handle, other), Status::invalid_handle);
    const uint64_t forged = (handle & ~(uint64_t{127} << 56)) | uint64_t{static_cast<uint8_t>(other)} << 56;
    EXPECT_EQ(pin_status(forged, other), Status::invalid_handle);
  }
  for (int bit = 0; bit < 64; ++bit) EXPECT_NE(pin_status(handle ^ (uint64_t{1} << bit)), Status::ok) << bit;
  EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
  EXPECT_EQ(release_handle(handle, Type::model), Status::invalid_handle);
  EXPECT_FALSE(retain_handle(handle, Type::model));
  EXPECT_EQ(pin_status(handle), Status::invalid_handle);
  EXPECT_EQ(pin_status(0), Status::invalid_handle);
  EXPECT_EQ(n_alive, 0);
}

TEST(Handles, RandomValuesFindNothing) {
  uint64_t value = 88172645463325252u;
  for (int i = 0; i < 100000; ++i) {
    value ^= value << 13, value ^= value >> 7, value ^= value << 17;
    EXPECT_EQ(pin_status(value, static_cast<Type>(1 + i % 5)), Status::invalid_handle);
  }
}

TEST(Handles, PinKeepsTheObjectButNotTheHandle) {
  const uint64_t handle = make();
  Pin pin;
  ASSERT_EQ(pin_handle(handle, Type::model, pin), Status::ok);
  EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
  EXPECT_EQ(n_alive, 1);
  EXPECT_EQ(pin_status(handle), Status::invalid_handle);
  EXPECT_EQ(release_handle(handle, Type::model), Status::invalid_handle);
  pin = Pin();
  EXPECT_EQ(n_alive, 0);
}

TEST(Handles, ReferencesAreCounted) {
  const uint64_t handle = make();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(retain_handle(handle, Type::model));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
  EXPECT_EQ(n_alive, 1);
  EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
  EXPECT_EQ(n_alive, 0);
}

TEST(Handles, CountsDoNotOverflow) {
  const uint64_t handle = make();
  uint64_t n = 1;
  while (retain_handle(handle, Type::model)) ++n;
  EXPECT_EQ(n, (1u << 20) - 1);
  std::vector<Pin> pins;
  Status status = Status::ok;
  while (true) {
    Pin pin;
    if ((status = pin_handle(handle, Type::model, pin)) != Status::ok) break;
    pins.push_back(std::move(pin));
  }
  EXPECT_EQ(status, Status::resource_exhausted);
  EXPECT_EQ(pins.size(), 65535u);
  pins.clear();
  while (n-- > 0) EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
  EXPECT_EQ(n_alive, 0);
}

TEST(Handles, AMillionTakeNoMemory) {
  release_handle(make(), Type::model);
  const uint32_t before = slots_in_memory();
  for (int i = 0; i < 1'000'000; ++i) ASSERT_EQ(release_handle(make(), Type::model), Status::ok);
  EXPECT_EQ(slots_in_memory(), before);
  EXPECT_EQ(n_alive, 0);
}

TEST(Handles, SlotRetiresWhenItsGenerationWraps) {
  set_next_generation(kMaxGeneration);
  const uint64_t last = make();
  EXPECT_EQ((last >> 24) & 0xFFFFFFFFu, kMaxGeneration);
  EXPECT_EQ(release_handle(last, Type::model), Status::ok);
  const uint64_t next = make();
  EXPECT_NE(last & 0xFFFFFF, next & 0xFFFFFF);
  EXPECT_EQ(pin_status(last), Status::invalid_handle);
  EXPECT_EQ(release_handle(next, Type::model), Status::ok);
}

TEST(Handles, ManyThreadsManyHandles) {
  std::atomic<uint64_t> shared[8] = {};
  std::atomic<int> n_found{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20000; ++i) {
        auto& place = shared[(i + t) % 8];
        const uint64_t old = place.exchange(make());
        if (old) {
          EXPECT_EQ(release_handle(old, Type::model), Status::ok);
        }
        Pin pin;
        if (pin_handle(shared[i % 8].load(), Type::model, pin) == Status::ok) n_found += pin.object() != nullptr;
      }
    });
  for (auto& thread : threads) thread.join();
  for (auto& place : shared) release_handle(place.load(), Type::model);
  EXPECT_EQ(n_alive, 0);
  EXPECT_GT(n_found, 0);
}

TEST(Handles, AChildKnowsInheritedHandles) {
  const uint64_t handle = make();
  const pid_t child = fork();
  if (child == 0) {
    const uint64_t own = make();
    const bool right = pin_status(handle) == Status::forked && release_handle(handle, Type::model) == Status::forked &&
                       !retain_handle(handle, Type::model) && pin_status(own) == Status::ok &&
                       release_handle(own, Type::model) == Status::ok;
    _exit(right ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
}

}  // namespace
}  // namespace rustml::api
