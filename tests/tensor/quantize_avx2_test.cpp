// Both ways to make q8_0 blocks against the rule as ggml publishes it, with the C library's roundf, on values that quantize_test's
// reference lacks: all magnitudes, ties, zeros, and blocks whose scale is no normal number.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "tensor/block.h"
#include "tensor/dtype.h"
#include "tensor/q8_0.h"

namespace rustml::tensor {
namespace {

BlockQ8_0 by_the_rule(const float* x) {
  BlockQ8_0 block{};
  float most = 0;
  for (int i = 0; i < 32; ++i) {
    if (!std::isfinite(x[i])) return {0x7e00, {}};
    most = std::fmax(most, std::fabs(x[i]));
  }
  const float d = most / 127.0f, inverse = 1.0f / d;
  block.d = f32_to_f16(d);
  for (int i = 0; i < 32; ++i) block.qs[i] = std::isfinite(inverse) ? static_cast<int8_t>(std::round(x[i] * inverse)) : int8_t{0};
  return block;
}

std::vector<float> difficult_blocks(int n) {
  std::mt19937 random(7);
  std::vector<float> x;
  for (int b = 0; b < n; ++b) {
    const auto magnitude = static_cast<uint32_t>(b % 254) << 23;  // of the block: every exponent
    for (int i = 0; i < 32; ++i) {
      const uint32_t bits = random();
      float value = std::bit_cast<float>((bits & 0x807fffff) | magnitude);
      if (b % 3 == 1) value = std::ldexp(static_cast<float>(static_cast<int>(bits % 509) - 254), b % 40 - 20);  // ties: halves of 127ths
      if (b % 3 == 1 && i == 5) value = std::ldexp(254.0f, b % 40 - 20);
      if (b % 7 == 2 && bits % 2 == 0) value = std::bit_cast<float>(bits & 0x80000000);
      if (b % 97 == 3 && i == b % 32) value = std::bit_cast<float>(bits | 0x7f800000);  // NaN, mostly
      if (b % 97 == 4 && i == b % 32) value = b % 2 ? INFINITY : -INFINITY;
      x.push_back(value);
    }
  }
  return x;
}

void compare(void (*quantize)(const float*, int64_t, std::byte*) noexcept) {
  constexpr int kBlocks = 25400;
  const std::vector<float> x = difficult_blocks(kBlocks);
  std::vector<std::byte> got(kBlocks * sizeof(BlockQ8_0));
  quantize(x.data(), static_cast<int64_t>(x.size()), got.data());
  for (size_t b = 0; b < kBlocks; ++b) {
    const BlockQ8_0 want = by_the_rule(x.data() + 32 * b);
    ASSERT_EQ(std::memcmp(&want, got.data() + b * sizeof want, sizeof want), 0) << "block " << b;
  }
}

TEST(Q8_0, Scalar) { compare(quantize_q8_0_scalar); }

TEST(Q8_0, Avx2) {
#if defined(__x86_64__)
  if (has_avx2()) return compare(quantize_q8_0_avx2);
#endif
  GTEST_SKIP() << "this processor lacks AVX2 or F16C";
}

}  // namespace
}  // namespace rustml::tensor
