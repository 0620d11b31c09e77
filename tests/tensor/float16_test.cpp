// Against arithmetic in double: a half is sign, exponent, mantissa; rounding is to the nearest of the two neighbours.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "tensor/dtype.h"

namespace rustml::tensor {
namespace {

double value_of(uint16_t bits) {  // finite bits
  const int exponent = bits >> 10 & 31, mantissa = bits & 0x3FF;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t nearest_half(double value) {  // by search over all magnitudes; ties to the even mantissa, overflow from 65520
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (magnitude >= 65520) return sign | 0x7C00;
  uint16_t low = 0, high = 0x7BFF;
  while (low < high) {  // the largest half that is at most magnitude
    const auto middle = static_cast<uint16_t>((low + high + 1) / 2);
    if (value_of(middle) <= magnitude)
      low = middle;
    else
      high = middle - 1;
  }
  if (low == 0x7BFF) return sign | low;
  const double below = magnitude - value_of(low), above = value_of(low + 1) - magnitude;
  return sign | static_cast<uint16_t>(below < above || (below == above && low % 2 == 0) ? low : low + 1);
}

TEST(Float16, EveryHalfBothWays) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = f16_to_f32(half);
    if ((half & 0x7C00) == 0x7C00) {
      if ((half & 0x3FF) == 0) {
        EXPECT_TRUE(std::isinf(value));
        EXPECT_EQ(f32_to_f16(value), half);
      } else {
        EXPECT_TRUE(std::isnan(value));
        EXPECT_EQ(f32_to_f16(value), half | 0x200) << "quiet, payload kept";
      }
      EXPECT_EQ(std::signbit(value), half >> 15 == 1);
      continue;
    }
    ASSERT_EQ(value, value_of(half));
    ASSERT_EQ(std::signbit(value), half >> 15 == 1);
    ASSERT_EQ(f32_to_f16(value), half);
  }
}

TEST(Float16, TiesAndNeighboursOfEveryHalf) {
  for (uint16_t half = 0; half < 0x7BFF; ++half) {
    const auto middle = static_cast<float>((value_of(half) + value_of(half + 1)) / 2);  // exact in float
    for (const float value : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e9f)}) {
      ASSERT_EQ(f32_to_f16(value), nearest_half(value)) << value;
      ASSERT_EQ(f32_to_f16(-value), nearest_half(-value)) << value;
    }
  }
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7C00);
}

TEST(Float16, RandomFloats) {
  std::mt19937 random(11);
  for (int i = 0; i < 1000000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(value)) continue;
    ASSERT_EQ(f32_to_f16(value), nearest_half(value)) << value;
  }
}

#if defined(__F16C__) || (defined(__GNUC__) && !defined(__clang__) && defined(__FLT16_MANT_DIG__))
TEST(Float16, TheCompilersOwnType) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = std::bit_cast<_Float16>(static_cast<uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<uint32_t>(f16_to_f32(static_cast<uint16_t>(bits))), std::bit_cast<uint32_t>(static_cast<float>(half)))
        << std::hex << bits;
  }
  std::mt19937 random(12);
  for (int i = 0; i < 1000000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    ASSERT_EQ(f32_to_f16(value), std::bit_cast<uint16_t>(static_cast<_Float16>(value))) << value;
  }
}
#endif

}  // namespace
}  // namespace rustml::tensor
