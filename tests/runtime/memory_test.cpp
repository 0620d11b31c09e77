#include "runtime/memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"

namespace rustml::runtime {
namespace {

TEST(Region, IsZeroAlignedAndMovable) {
  Region region(5'000'000, Region::Pages::huge);
  EXPECT_GE(region.size(), 5'000'000u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(region.data()) % (2u << 20), 0u);
  for (uint64_t i = 0; i < region.size(); i += 4096) ASSERT_EQ(region.data()[i], std::byte{0});
  std::memset(region.data(), 1, region.size());
  std::byte* const data = region.data();
  Region moved = std::move(region);
  EXPECT_EQ(moved.data(), data);
  EXPECT_EQ(region.data(), nullptr);
}

TEST(Region, DiscardedPagesReadAsZerosOthersStay) {
  Region region(64 << 10, Region::Pages::normal);
  std::memset(region.data(), 7, region.size());
  region.discard(100, 3 * 4096);  // whole pages inside: [4096, 12288)
  EXPECT_EQ(region.data()[4095], std::byte{7});
  EXPECT_EQ(region.data()[4096], std::byte{0});
  EXPECT_EQ(region.data()[12287], std::byte{0});
  EXPECT_EQ(region.data()[12288], std::byte{7});
}

TEST(Region, RefusalIsAnErrorWithTheWayOut) {
  try {
    Region region(uint64_t{1} << 62, Region::Pages::normal);
    FAIL() << "2^62 bytes were granted";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.status(), base::Status::resource_exhausted);
  }
}

TEST(MemoryBudget, RefusesBeforeCountingAndKeepsThePeak) {
  const auto budget = std::make_shared<MemoryBudget>(1000);
  {
    Charge a(budget, 600, "a");
    EXPECT_THROW(Charge(budget, 401, "b"), base::Error);
    EXPECT_EQ(budget->now(), 600u);
    a.grow(400, "a");
    Charge b = std::move(a);
    EXPECT_EQ(b.bytes(), 1000u);
    EXPECT_THROW(b.grow(UINT64_MAX, "overflow"), base::Error);
  }
  EXPECT_EQ(budget->now(), 0u);
  EXPECT_EQ(budget->peak(), 1000u);
}

}  // namespace
}  // namespace rustml::runtime
