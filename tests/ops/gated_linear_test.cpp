#include "ops/gated_linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/select.h"
#include "ops/activations.h"
#include "ops/linear.h"
#include "packed.h"
#include "team.h"

namespace rustml::ops {
namespace {

TEST(GatedLinear, IsTheActivationOfBothProducts) {
  constexpr int64_t kCols = 64, kRows = 52, kTokens = 3;
  const Packed gate(tensor::DType::f32, kRows, kCols, 8), up(tensor::DType::q8_0, kRows, kCols, 9);
  const std::vector<float> x = random_rows(kTokens * kCols, 10);
  const kernels::KernelTable& kernels = kernels::best();
  std::vector<float> fused(kTokens * kRows), scratch(kTokens * kRows), g(kTokens * kRows), u(kTokens * kRows);
  run_on_team(2, kernels, kTokens, kCols, [&](Context& c) {
    const Activations a = quantize(c, x.data(), kTokens, kCols, true);
    gated_linear(c, gate.m, &up.m, kernels.silu_mul, a, kTokens, fused.data(), scratch.data());
    linear(c, gate.m, a, kTokens, g.data(), kRows);
    linear(c, up.m, a, kTokens, u.data(), kRows);
  });
  for (size_t i = 0; i < fused.size(); ++i) {
    const double want = g[i] / (1 + std::exp(-static_cast<double>(g[i]))) * u[i];
    EXPECT_NEAR(fused[i], want, 1e-5 * std::abs(want) + 1e-6);
  }
}

TEST(GatedLinear, WithoutAGateIsTheActivationAlone) {
  constexpr int64_t kCols = 40, kRows = 52, kTokens = 3;
  const Packed up(tensor::DType::f32, kRows, kCols, 8);
  const std::vector<float> x = random_rows(kTokens * kCols, 10);
  const kernels::KernelTable& kernels = kernels::best();
  std::vector<float> fused(kTokens * kRows), u(kTokens * kRows);
  run_on_team(2, kernels, kTokens, kCols, [&](Context& c) {
    const Activations a = quantize(c, x.data(), kTokens, kCols, false);
    gated_linear(c, up.m, nullptr, kernels.gelu_tanh_mul, a, kTokens, fused.data(), nullptr);
    linear(c, up.m, a, kTokens, u.data(), kRows);
  });
  for (size_t i = 0; i < fused.size(); ++i) {  // Hendrycks and Gimpel 2016, by tanh
    const double v = u[i], want = 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
    EXPECT_NEAR(fused[i], want, 1e-5 * std::abs(want) + 1e-6);
  }
}

}  // namespace
}  // namespace rustml::ops
