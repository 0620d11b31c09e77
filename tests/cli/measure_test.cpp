#include "cli/measure.h"

#include <gtest/gtest.h>

namespace rustml::cli {
namespace {

TEST(Measure, QuantilesAreValuesThatOccurred) {
  EXPECT_EQ(quantile({}, 0.5), 0.0);
  EXPECT_EQ(quantile({3}, 0.99), 3.0);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0), 1.0);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.0);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.51), 3.0);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 1), 4.0);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({5, 1, 3}), 3.0);
}

// bench/ov_peer.py and bench/llama_peer.c make the same ids; the first three are worked out by hand from the recurrence.
TEST(Measure, FixedIdsAreTheSameEverywhere) {
  EXPECT_EQ(fixed_ids(100, 50257), fixed_ids(100, 50257));
  EXPECT_NE(fixed_ids(100, 50257, 1), fixed_ids(100, 50257, 2));
  // seed 0: the state is the increment 1442695040888963407 = 0x14057B7EF767814F, whose bits from 33 on are 0x0A02BDBF
  EXPECT_EQ(fixed_ids(1, 1u << 31, 0)[0], 0x0A02BDBF);
  for (const int32_t id : fixed_ids(1000, 7)) {
    EXPECT_GE(id, 0);
    EXPECT_LT(id, 7);
  }
}

}  // namespace
}  // namespace rustml::cli
