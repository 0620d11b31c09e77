// Known answers: the Random123 distribution's kat_vectors for philox4x32 with 10 rounds.
#include "generation/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace rustml::generation {
namespace {

using Words = std::array<uint32_t, 4>;

TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, UniformIsTheFirstTwoWords) {
  // From the first known answer: 0xe169c58d6627e8d5 / 2^64, cut to 53 bits.
  EXPECT_DOUBLE_EQ(uniform(0, 0), static_cast<double>(0xe169c58d6627e8d5ULL >> 11) / 9007199254740992.0);
}

TEST(Random, EveryBitOfSeedAndPositionCounts) {
  const double base = uniform(0, 0);
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_NE(uniform(uint64_t{1} << bit, 0), base) << bit;
    EXPECT_NE(uniform(0, uint64_t{1} << bit), base) << bit;
  }
}

TEST(Random, UniformFillsTheUnitInterval) {
  constexpr int kDraws = 100000, kBins = 100;
  std::vector<int> bins(kBins);
  for (uint64_t position = 0; position < kDraws; ++position) {
    const double u = uniform(42, position);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++bins[static_cast<size_t>(u * kBins)];
  }
  double chi_square = 0;
  for (const int n : bins) chi_square += (n - 1000.0) * (n - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 170);  // 99 degrees of freedom: mean 99, deviation 14
}

}  // namespace
}  // namespace rustml::generation
