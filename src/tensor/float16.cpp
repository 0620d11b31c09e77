// IEEE 754 half precision in integer arithmetic: 1 sign, 5 exponent (bias 15), 10 mantissa bits. The same bits as F16C
// and ARM instructions give, also for NaN (made quiet, top of the payload kept).
#include <bit>

#include "tensor/dtype.h"

namespace rustml::tensor {

float f16_to_f32(uint16_t bits) noexcept {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = bits >> 10 & 31;
  const uint32_t mantissa = bits & 0x3FF;
  if (exponent == 31) {
    const uint32_t quiet = mantissa != 0 ? 0x400000 : 0;
    return std::bit_cast<float>(sign | 0x7F800000 | quiet | mantissa << 13);
  }
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-24f));  // subnormal or zero: exact
}

uint16_t f32_to_f16(float value) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return static_cast<uint16_t>(sign | 0x7E00 | (magnitude >> 13 & 0x1FF));  // NaN
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7C00);                             // 65536 and up: infinite
  if (magnitude < 0x38800000) {                                       // below 2^-14: subnormal in units of 2^-24
    if (magnitude <= 0x33000000) return static_cast<uint16_t>(sign);  // at most half a unit: zero, also on the tie
    const uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    const uint32_t shift = 126 - (magnitude >> 23);  // 14..24
    const uint32_t half = uint32_t{1} << (shift - 1), rest = mantissa & (2 * half - 1);
    const uint32_t units = mantissa >> shift;
    return static_cast<uint16_t>(sign | (units + (rest > half || (rest == half && (units & 1)) ? 1 : 0)));
  }
  // Rounding may carry into the exponent, up to infinity: that is the right result.
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13));
}

}  // namespace rustml::tensor
