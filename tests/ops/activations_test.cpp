// Quantization against what it is defined as: d = largest |x| / 127 of 32 values, q = x / d rounded (sums: tests/kernels).
#include "ops/activations.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/select.h"
#include "packed.h"
#include "team.h"

namespace rustml::ops {
namespace {

constexpr int64_t kQuantizedCols = 96;

TEST(Activations, BlocksOf32AreRoundedToTheirLargest) {
  for (const int64_t n_tokens : {1, 5}) {
    const std::vector<float> x = random_rows(n_tokens * kQuantizedCols, 1);
    run_on_team(2, kernels::best(), n_tokens, kQuantizedCols, [&](Context& c) {
      const Activations a = quantize(c, x.data(), n_tokens, kQuantizedCols, true);
      EXPECT_EQ(a.f, x.data());
      EXPECT_FALSE(a.tiled);
      for (int64_t b = 0; b < n_tokens * kQuantizedCols / 32; ++b) {
        float largest = 0;
        for (int64_t i = 32 * b; i < 32 * b + 32; ++i) largest = std::max(largest, std::abs(x[static_cast<size_t>(i)]));
        EXPECT_NEAR(a.d[b], largest / 127, 1e-6);
        for (int64_t i = 32 * b; i < 32 * b + 32; ++i)
          EXPECT_NEAR(static_cast<float>(a.q[i]) * a.d[b], x[static_cast<size_t>(i)], 0.501f * a.d[b]);
      }
    });
  }
}

TEST(Activations, FloatsStayWhereTheyAre) {
  const std::vector<float> x = random_rows(3 * kQuantizedCols, 2);
  run_on_team(2, kernels::best(), 3, kQuantizedCols, [&](Context& c) {
    const Activations a = quantize(c, x.data(), 3, kQuantizedCols, false);
    EXPECT_EQ(a.f, x.data());
    EXPECT_EQ(a.q, nullptr);
  });
}

}  // namespace
}  // namespace rustml::ops
