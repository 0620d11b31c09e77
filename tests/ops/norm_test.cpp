// Against the papers' formulas in double precision.
#include "ops/norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/select.h"
#include "packed.h"
#include "team.h"

namespace rustml::ops {
namespace {

constexpr int64_t kNormCols = 96, kNormTokens = 5;
constexpr float kEps = 1e-3f;

std::vector<double> formula(const std::vector<float>& x, const std::vector<float>& weight, const std::vector<float>* bias) {
  std::vector<double> y(x.size());
  for (size_t t = 0; t < kNormTokens; ++t) {
    double mean = 0, square = 0;
    if (bias)
      for (size_t k = 0; k < kNormCols; ++k) mean += x[t * kNormCols + k] / static_cast<double>(kNormCols);
    for (size_t k = 0; k < kNormCols; ++k) square += (x[t * kNormCols + k] - mean) * (x[t * kNormCols + k] - mean) / kNormCols;
    for (size_t k = 0; k < kNormCols; ++k)
      y[t * kNormCols + k] = (x[t * kNormCols + k] - mean) / std::sqrt(square + kEps) * weight[k] + (bias ? (*bias)[k] : 0.0f);
  }
  return y;
}

void expect_near(const std::vector<float>& got, const std::vector<double>& want) {
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5 * std::abs(want[i]) + 1e-5) << i;
}

TEST(Norm, RowsAreNormalizedAndQuantized) {
  const std::vector<float> x = random_rows(kNormTokens * kNormCols, 1), weight = random_rows(kNormCols, 2),
                           bias = random_rows(kNormCols, 3);
  for (const std::vector<float>* b : {static_cast<const std::vector<float>*>(nullptr), &bias}) {
    std::vector<float> y(x.size()), quantized(x.size());
    run_on_team(2, kernels::best(), kNormTokens, kNormCols, [&](Context& c) {
      const Activations a = normalize(c, x.data(), {weight.data(), b ? b->data() : nullptr, kEps}, kNormTokens, kNormCols, true);
      if (!c.member.leader()) return;
      y.assign(a.f, a.f + kNormTokens * kNormCols);
      for (size_t i = 0; i < quantized.size(); ++i) quantized[i] = static_cast<float>(a.q[i]) * a.d[i / 32];
    });
    expect_near(y, formula(x, weight, b));
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(quantized[i], y[i], 0.05) << i;
  }
}

TEST(Norm, AddNormalizedAddsToTheRows) {
  const std::vector<float> x = random_rows(kNormTokens * kNormCols, 4), y = random_rows(kNormTokens * kNormCols, 5),
                           weight = random_rows(kNormCols, 6);
  std::vector<float> sum = x, given = y;
  run_on_team(3, kernels::best(), kNormTokens, kNormCols, [&](Context& c) {
    add_normalized(c, {weight.data(), nullptr, kEps}, given.data(), kNormTokens, kNormCols, sum.data());
  });
  std::vector<double> want = formula(y, weight, nullptr);
  for (size_t i = 0; i < want.size(); ++i) want[i] += x[i];
  expect_near(sum, want);
}

}  // namespace
}  // namespace rustml::ops
