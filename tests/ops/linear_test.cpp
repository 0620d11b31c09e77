// Against plain double-precision sums over what tensor::dequantize says the weights are, and against itself over thread
// counts and chunks, where every bit must agree.
#include "ops/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/select.h"
#include "ops/activations.h"
#include "ops/norm.h"
#include "packed.h"
#include "team.h"

namespace rustml::ops {
namespace {

TEST(Linear, PartsSideBySideEqualDoubleSums) {
  constexpr int64_t kCols = 96, kTokens = 5;
  const Packed q(tensor::DType::q8_0, 40, kCols, 1), k(tensor::DType::f32, 24, kCols, 2), v(tensor::DType::q8_0, 24, kCols, 3);
  std::vector<float> bias(24);
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);
  const std::vector<float> x = random_rows(kTokens * kCols, 4);
  Matrix parts[] = {q.m, k.m, v.m};
  parts[1].bias = bias.data();
  constexpr int64_t kRow = 88;
  std::vector<float> out(kTokens * kRow);
  run_on_team(3, kernels::best(), kTokens, kCols, [&](Context& c) {
    const Activations a = quantize(c, x.data(), kTokens, kCols, true);
    linear(c, parts, a, kTokens, out.data(), kRow);
  });
  for (int64_t t = 0; t < kTokens; ++t) {
    int64_t column = 0;
    for (const Packed* p : {&q, &k, &v}) {
      for (int64_t r = 0; r < p->m.rows; ++r, ++column) {
        double want = p == &k ? bias[static_cast<size_t>(r)] : 0, size = 0;
        for (int64_t i = 0; i < kCols; ++i) {
          want += p->values[r * kCols + i] * x[t * kCols + i];
          size += std::abs(p->values[r * kCols + i] * x[t * kCols + i]);
        }
        // Block types round activations to 1/254 of the block's largest value.
        const double tolerance = p == &k ? 1e-5 * size + 1e-5 : 0.02 * size;
        EXPECT_NEAR(out[t * kRow + column], want, tolerance) << "token " << t << " column " << column;
      }
    }
  }
}

TEST(Linear, BitsDoNotDependOnThreadsOrChunks) {
  constexpr int64_t kCols = 160, kRows = 200, kTokens = 140;  // three tiles of tokens
  const Packed w(tensor::DType::q8_0, kRows, kCols, 5);
  const std::vector<float> x = random_rows(kTokens * kCols, 6), norm = random_rows(kCols, 7);
  const auto run = [&](int n_threads, int64_t chunk, int64_t tokens) {
    std::vector<float> out(static_cast<size_t>(tokens * kRows), 1.0f);
    for (int64_t t = 0; t < tokens; t += chunk) {
      const int64_t n = std::min(chunk, tokens - t);
      run_on_team(n_threads, kernels::best(), n, kCols, [&](Context& c) {
        const Activations a = normalize(c, x.data() + t * kCols, {norm.data(), nullptr, 1e-5f}, n, kCols, true);
        linear(c, w.m, a, n, out.data() + t * kRows, kRows, true);
      });
    }
    return out;
  };
  const std::vector<float> all = run(1, 1, kTokens);
  for (const int n_threads : {1, 2, 3, 4, 8}) {
    for (const int64_t chunk : {1, 3, 64, 70, 140}) {
      const int64_t tokens = std::min(kTokens, 6 * chunk);
      const std::vector<float> want(all.begin(), all.begin() + tokens * kRows);
      EXPECT_EQ(run(n_threads, chunk, tokens), want) << n_threads << " threads, chunks of " << chunk;
    }
  }
}

TEST(UnpackRow, ReadsARowBack) {
  const Packed w(tensor::DType::q8_0, 37, 64, 11);
  std::vector<float> row(64);
  for (int64_t r = 0; r < 37; ++r) {
    unpack_row(w.m, r, row.data());
    for (int64_t k = 0; k < 64; ++k) ASSERT_EQ(row[static_cast<size_t>(k)], static_cast<float>(w.values[static_cast<size_t>(r * 64 + k)]));
  }
}

}  // namespace
}  // namespace rustml::ops
