// Activations to blocks of 32 bytes with a scale, by the rule of quantize_q8 (kernels.h).
#pragma once
#include "kernels/constants.h"
#include "kernels/kernels.h"
#include "kernels/raw-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// d and the factor of quantize_q8's rule; false: every q is 0.
RUSTML_INLINE bool quantize_scale(int32_t magnitude_bits, float* d, float* factor) {
  float largest;
  __builtin_memcpy(&largest, &magnitude_bits, 4);
  if (magnitude_bits >= 0x7f800000) {
    *d = __builtin_nanf("");
    return false;
  }
  *d = largest < kQuantizeTiny ? 0.0f : largest / 127.0f;
  *factor = 127.0f / largest;
  return largest >= kQuantizeTiny;
}

// The two 16-bit sums of a block.
RUSTML_INLINE int32_t pack_sums(int32_t low, int32_t high) {
  return static_cast<int32_t>(static_cast<uint32_t>(high) << 16 | (static_cast<uint32_t>(low) & 0xffff));
}

// Where the blocks of a quantized row go: block b's bytes to q + b * q_stride, its scale and sums to d and sum + b * d_stride.
struct QuantizedRow {
  int8_t* q;
  int64_t q_stride;
  float* d;
  int32_t* sum;
  int64_t d_stride;
};

void quantize_block(const float* x, int64_t b, const QuantizedRow& to) {
  const F32x16 x0 = load(x + b * kQBlock), x1 = load(x + b * kQBlock + kLanes);
  int8_t* q = to.q + b * to.q_stride;
  int32_t& sum = to.sum[b * to.d_stride];
  float factor;
  if (quantize_scale(largest_magnitude_bits(x0, x1), &to.d[b * to.d_stride], &factor)) {
    const int32_t low = store_rounded_i8(q, x0 * set1(factor)), high = store_rounded_i8(q + kLanes, x1 * set1(factor));
    sum = pack_sums(low, high);
  } else {
    __builtin_memset(q, 0, kQBlock);
    sum = 0;
  }
}

RUSTML_INLINE void quantize_row(const float* x, int64_t blocks, const QuantizedRow& to) {
  int64_t b = 0;
#ifdef RUSTML_FOUR_BLOCKS  // raw_<isa>-inl.h has quantize_four
  while (b < blocks && blocks >= 4) {
    const int64_t at = b + 4 <= blocks ? b : blocks - 4;  // the last four reach back over blocks that are done
    float d[4];
    int32_t sum[4];
    if (!quantize_four(x + at * kQBlock, to.q + at * to.q_stride, to.q_stride, d, sum)) break;  // a value is not finite
    if (to.d_stride == 1) {
      __builtin_memcpy(to.d + at, d, sizeof d);
      __builtin_memcpy(to.sum + at, sum, sizeof sum);
    } else {
      for (int64_t i = 0; i < 4; ++i) to.d[(at + i) * to.d_stride] = d[i], to.sum[(at + i) * to.d_stride] = sum[i];
    }
    b = at + 4;
  }
#endif
  for (; b < blocks; ++b) quantize_block(x, b, to);
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
