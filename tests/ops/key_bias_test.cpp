// Scores against the plain definition in double: a rotated query times a rotated bias.
#include "ops/key_bias.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/kernels.h"
#include "ops/rope.h"

namespace rustml::ops {
namespace {

TEST(KeyBias, FactorsTimesAnglesAreTheScoresOfTheBias) {
  constexpr int64_t kDim = 24, kHalf = kDim / 2;
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-200, 200);
  std::vector<float> bias(2 * kDim, 0.5f), q(kDim);
  for (const size_t i : {3, 5, 17, 24, 24 + 23}) bias[i] = uniform(random);  // 5 and 17 are a pair
  const KeyBias taken = KeyBias::of(bias.data(), 2, kDim, true);
  ASSERT_FALSE(taken.none());
  EXPECT_EQ(taken.heads[0].pairs, (std::vector<int32_t>{3, 5}));
  EXPECT_EQ(taken.heads[0].rows, (std::vector<int32_t>{3, 5, 15, 17}));
  EXPECT_EQ(taken.heads[1].pairs, (std::vector<int32_t>{0, 11}));
  for (size_t i = 0; i < bias.size(); ++i) {
    const auto& pairs = taken.heads[i / kDim].pairs;
    const bool out = std::find(pairs.begin(), pairs.end(), static_cast<int32_t>(i % kHalf)) != pairs.end();
    EXPECT_EQ(taken.negated[i], out ? -bias[i] : 0) << i;
  }

  const auto frequencies = rope_frequencies(kDim, 10000, {}, {});
  for (float& x : q) x = uniform(random) / 200;
  for (const int64_t position : {0, 5, 127, 128, 300, 1000, 70000}) {
    const int64_t block = position / kernels::kAttendBlock;
    float block_angles[kDim], within[kDim], factors[kDim];
    rope_angles(frequencies, static_cast<uint64_t>(block * kernels::kAttendBlock), block_angles, block_angles + kHalf);
    rope_angles(frequencies, static_cast<uint64_t>(position % kernels::kAttendBlock), within, within + kHalf);
    for (size_t h = 0; h < 2; ++h) {
      const KeyBias::Head& head = taken.heads[h];
      head.turn(q.data(), kDim, block_angles, factors);
      double got = 0, want = 0;
      for (size_t i = 0; i < head.rows.size(); ++i) got += static_cast<double>(factors[i]) * within[head.rows[i]];
      for (const int32_t i : head.pairs) {
        const double angle = static_cast<double>(position) * frequencies[static_cast<size_t>(i)], c = std::cos(angle), s = std::sin(angle);
        const double b0 = bias[h * kDim + static_cast<size_t>(i)], b1 = bias[h * kDim + static_cast<size_t>(i + kHalf)];
        want += q[static_cast<size_t>(i)] * (b0 * c - b1 * s) + q[static_cast<size_t>(i + kHalf)] * (b1 * c + b0 * s);
      }
      EXPECT_NEAR(got, want, 400 * 1e-6) << "position " << position;
    }
  }
}

TEST(KeyBias, OnlyLargeOnesAreTakenOut) {
  std::vector<float> bias(8, 2.8f);  // a pair is 3.96 long
  EXPECT_TRUE(KeyBias::of(bias.data(), 1, 8, true).none());
  EXPECT_TRUE(KeyBias::of(nullptr, 1, 8, true).none());
  bias[1] = std::numeric_limits<float>::infinity();
  bias[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(KeyBias::of(bias.data(), 1, 8, true).none()) << "they spoil the scores, as in any cache";
  bias[3] = 2.9f;
  const KeyBias taken = KeyBias::of(bias.data(), 1, 8, false);
  EXPECT_EQ(taken.negated, (std::vector<float>{0, 0, 0, -2.9f, 0, 0, 0, -2.8f}));
  EXPECT_TRUE(taken.heads.empty()) << "without rotation it is the same for all positions";
}

}  // namespace
}  // namespace rustml::ops
