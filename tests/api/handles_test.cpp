#include "api/handles.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <rapidcheck/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "api/slot_range.h"

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

constexpr Type kTypes[] = {Type::model, Type::session, Type::generation, Type::cancel, Type::error};
constexpr double kTwo24 = 16777216, kTwo48 = kTwo24 * kTwo24, kTwo53 = kTwo48 * 32;

// What a host gets back that keeps handles as doubles.
uint64_t through_a_double(uint64_t handle) { return static_cast<uint64_t>(static_cast<double>(handle)); }

TEST(Handles, LayoutIsTheAbis) {
  for (const Type type : kTypes) {
    const uint64_t handle = make(type);
    EXPECT_EQ(handle >> 48, static_cast<uint64_t>(type));
    EXPECT_GE((handle >> 24) & 0xFFFFFF, 1u);  // generation from 1
    EXPECT_GE((handle & 0xFFFFFF), 1u);        // slot 0 is that of the out-of-memory error
    EXPECT_EQ(release_handle(handle, type), Status::ok);
  }
}

// The arithmetic here is a double's: whatever it cannot hold exactly differs.
RC_GTEST_PROP(Handles, TypeGenerationAndSlotAreExactAsADouble, ()) {
  const auto type = static_cast<Type>(*rc::gen::inRange(1, 32));
  const auto generation = *rc::gen::inRange<uint32_t>(1, 1u << 24);
  const auto slot = *rc::gen::inRange<uint32_t>(0, 1u << 24);
  const uint64_t handle = pack_handle(type, generation, slot);
  const double as_double = static_cast<double>(static_cast<int>(type)) * kTwo48 + generation * kTwo24 + slot;
  RC_ASSERT(static_cast<double>(handle) == as_double && static_cast<uint64_t>(as_double) == handle);
  RC_ASSERT(as_double >= kTwo48 && as_double < kTwo53);
  RC_ASSERT(has_type(handle, type) && generation_of(handle) == generation && slot_of(handle) == slot);
  for (const int above : {53, 54, 56, 63}) RC_ASSERT(!has_type(handle | uint64_t{1} << above, type));
}

RC_GTEST_PROP(Handles, WhatADoubleGivesBackIsTheSameHandle, ()) {
  const Type type = *rc::gen::elementOf(std::vector<Type>(std::begin(kTypes), std::end(kTypes)));
  const auto generation = *rc::gen::inRange<uint32_t>(1, kMaxGeneration);
  set_next_generation(generation);
  const uint64_t handle = make(type);
  RC_ASSERT(((handle >> 24) & 0xFFFFFF) == generation);
  RC_ASSERT(through_a_double(handle) == handle);
  RC_ASSERT(pin_status(through_a_double(handle), type) == Status::ok);
  for (const uint64_t neighbour : {handle - 1, handle + 1}) RC_ASSERT(pin_status(neighbour, type) == Status::invalid_handle);
  RC_ASSERT(release_handle(handle, type) == Status::ok);
  set_next_generation(1);  // as the other tests expect it, far from the end
}

TEST(Handles, NeighboursOfAHandleAreNobodys) {
  std::set<uint64_t> handles;
  while (handles.size() < 2000) handles.insert(make(Type::session));
  for (const uint64_t handle : handles)
    for (uint64_t distance = 1; distance <= 64; ++distance) {
      ASSERT_EQ(pin_status(handle + distance, Type::session), Status::invalid_handle) << std::hex << handle << " + " << distance;
      ASSERT_EQ(pin_status(handle - distance, Type::session), Status::invalid_handle) << std::hex << handle << " - " << distance;
    }
  for (const uint64_t handle : handles) ASSERT_EQ(release_handle(handle, Type::session), Status::ok);
}

TEST(Handles, ReleasedAndForeignValuesAreRefused) {
  const uint64_t handle = make();
  EXPECT_EQ(pin_status(handle), Status::ok);
  for (const Type other : {Type::session, Type::generation, Type::cancel, Type::error}) {
    EXPECT_EQ(pin_status(handle, other), Status::invalid_handle);
    const uint64_t forged = (handle & 0xFFFFFFFFFFFF) | uint64_t{static_cast<uint8_t>(other)} << 48;
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
    const auto type = static_cast<Type>(1 + i % 5);
    EXPECT_EQ(pin_status(value, type), Status::invalid_handle);
    const uint64_t low = value & 0xFFFFFFFFFFFF;
    EXPECT_EQ(pin_status(pack_handle(type, 0, 0) | low, type), Status::invalid_handle);
    EXPECT_EQ(pin_status(uint64_t{static_cast<uint8_t>(type)} << 56 | low, type), Status::invalid_handle);  // the type before 2026-11
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
  EXPECT_EQ((last >> 24) & 0xFFFFFF, 0xFFFFFFu);
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

bool in_a_child(const std::function<bool()>& holds) {
  const pid_t child = fork();
  if (child == 0) _exit(holds() ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0;
}

TEST(Handles, AChildKnowsInheritedHandles) {
  const uint64_t handle = make();
  EXPECT_TRUE(in_a_child([&] {
    const uint64_t own = make();
    return pin_status(handle) == Status::forked && release_handle(handle, Type::model) == Status::forked &&
           !retain_handle(handle, Type::model) && pin_status(own) == Status::ok && release_handle(own, Type::model) == Status::ok;
  }));
  EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
}

// What the test of two copies (two_copies_test.c) rests on: the process gives out each number once.
TEST(Handles, NobodyElseGetsOurSlots) {
  const uint64_t handle = make();
  const uint32_t ours = slot_of(handle) >> 13;
  std::set<uint32_t> others;
  for (int i = 0; i < 20; ++i) others.insert(claim_slot_range());
  EXPECT_EQ(others.size(), 20u);
  EXPECT_EQ(others.count(ours), 0u);
  EXPECT_LT(*others.rbegin(), kSlotRanges);
  for (const uint32_t other : others) return_slot_range(other);
  EXPECT_EQ(release_handle(handle, Type::model), Status::ok);
}

std::vector<pthread_key_t> all_keys_of_the_process() {
  std::vector<pthread_key_t> keys;
  for (pthread_key_t key; pthread_key_create(&key, nullptr) == 0;) keys.push_back(key);
  return keys;
}

std::vector<uint64_t> as_many_as_can_be() {
  std::vector<uint64_t> handles;
  for (uint64_t handle; (handle = make()) != 0;) handles.push_back(handle);
  return handles;
}

bool release_all(const std::vector<uint64_t>& handles) {
  for (const uint64_t handle : handles)
    if (release_handle(handle, Type::model) != Status::ok) return false;
  return n_alive == 0;
}

// In processes of their own: both use the table up.
TEST(Handles, AProcessWithoutKeysIsOutOfResourcesForAWhile) {
  EXPECT_TRUE(in_a_child([] {
    const std::vector<pthread_key_t> keys = all_keys_of_the_process();
    std::vector<uint64_t> handles = as_many_as_can_be();
    const bool destroyed = static_cast<size_t>(n_alive) == handles.size();  // what came without a handle
    for (const pthread_key_t key : keys) pthread_key_delete(key);
    handles.push_back(make());
    return destroyed && handles.back() != 0 && release_all(handles);
  }));
}

TEST(Handles, AHostThatLeaksAMillionKeepsItsKeys) {
  EXPECT_TRUE(in_a_child([] {
    std::vector<uint64_t> handles = as_many_as_can_be();
    std::sort(handles.begin(), handles.end());
    const bool different = std::adjacent_find(handles.begin(), handles.end()) == handles.end();
    return handles.size() >= 1'000'000 && different && all_keys_of_the_process().size() >= 800 && release_all(handles) && make() != 0;
  }));
}

}  // namespace
}  // namespace rustml::api
