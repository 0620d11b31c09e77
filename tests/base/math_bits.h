// One number for the bits of base/math.h over 300,000 arguments: the same on every processor and system.
#pragma once
#include <bit>
#include <cstdint>
#include <initializer_list>

#include "base/math.h"

namespace rustml::base {

inline uint64_t math_bits() {
  uint64_t random = 1, hash = 14695981039346656037u;  // xorshift64* and FNV-1a, by eight bytes
  const auto next = [&random] {
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    return random * 2685821657736338717u;
  };
  const auto between = [&](double low, double high) { return low + (high - low) * (static_cast<double>(next() >> 11) * 0x1p-53); };
  const auto take = [&hash](double value) { hash = (hash ^ std::bit_cast<uint64_t>(value)) * 1099511628211u; };
  for (int i = 0; i < 50000; ++i) {
    for (const double most : {4.0, 131072.0, kMostAngle}) {
      const SineCosine angle = sine_cosine(between(-most, most));
      take(angle.sine);
      take(angle.cosine);
    }
    const auto positive = std::bit_cast<double>(next() >> 2);  // of any exponent up to 2^512
    take(natural_log(i % 2 == 0 ? positive : between(0.5, 2)));
    const double base = between(0.5, 1e7), exponent = between(-10, 10);
    take(power(base, exponent));
    const auto finite = [&] { return std::bit_cast<float>(static_cast<uint32_t>(next() >> 32) & 0xBFFFFFFF); };
    const float x = finite(), y = finite(), z = i % 2 == 0 ? finite() : -x * y;
    take(static_cast<double>(fused_multiply_add(x, y, z)));
  }
  return hash;
}

constexpr uint64_t kMathBits = 0x9ced71c9738d01f0;

}  // namespace rustml::base
