// Floats to the block types of 32 values, by ggml's published rules, each operation rounded once (-ffp-contract=off).
//  q8_0: d = largest |x| / 127, q = x / d rounded half away from zero.
//  q4_0, q5_0 (n bits): d = x of the largest |x| (the first such) / -2^(n-1), q = x / d + 2^(n-1) + 1/2 cut off, at most 2^n - 1.
//  q4_1, q5_1: m = least x, d = (largest x - m) / (2^n - 1), q = (x - m) / d + 1/2 cut off.
// Division is multiplication by the rounded inverse of the float32 d, d and m are stored as halves afterwards.
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>

#include "tensor/block.h"
#include "tensor/dtype.h"
#include "tensor/q8_0.h"

namespace rustml::tensor {
namespace {

constexpr uint16_t kHalfNaN = 0x7e00;
constexpr int kBlock = 32;

bool all_finite(const float* x) {
  uint32_t bad = 0;
  for (int i = 0; i < kBlock; ++i) bad |= (std::bit_cast<uint32_t>(x[i]) & 0x7f800000) == 0x7f800000 ? 1 : 0;
  return bad == 0;
}

// 1 / d; where that is not a number to multiply with, every q becomes that of 0 (d is 0 as a half).
float inverse(float d) {
  const float id = 1.0f / d;
  return std::isfinite(id) ? id : 0.0f;
}

void encode(const float* x, BlockQ8_0& block) {
  constexpr int kLanes = 8;  // plain loops that compilers turn into vector code
  float largest[kLanes] = {};
  for (int i = 0; i < kBlock; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) {
      const float magnitude = std::fabs(x[i + l]);
      largest[l] = magnitude > largest[l] ? magnitude : largest[l];
    }
  }
  float most = 0;
  for (const float l : largest) most = l > most ? l : most;
  const float d = most / 127.0f, id = inverse(d);
  block.d = f32_to_f16(d);
  // The largest float below 1/2, added, carries exactly the values from .5 on over the next integer.
  for (int i = 0; i < kBlock; ++i) {
    const float scaled = x[i] * id;
    block.qs[i] = static_cast<int8_t>(static_cast<int32_t>(scaled + std::copysign(0x1.fffffep-2f, scaled)));
  }
}

template <class Block>
void encode(const float* x, Block& block) {
  constexpr bool kFifth = requires { block.qh; };
  constexpr int kLevels = kFifth ? 32 : 16;
  float d, offset = 0, add;  // q = (x - offset) / d + add
  if constexpr (requires { block.m; }) {
    float most = x[0];
    offset = x[0];
    for (int i = 1; i < kBlock; ++i) most = x[i] > most ? x[i] : most, offset = x[i] < offset ? x[i] : offset;
    d = (most - offset) / (kLevels - 1);
    add = 0.5f;
    block.m = f32_to_f16(offset);
  } else {
    float extreme = x[0];
    for (int i = 1; i < kBlock; ++i) extreme = std::fabs(x[i]) > std::fabs(extreme) ? x[i] : extreme;
    d = extreme / (-kLevels / 2);
    add = kLevels / 2 + 0.5f;
  }
  block.d = f32_to_f16(d);
  const float id = inverse(d);
  uint32_t q[kBlock], fifth = 0;
  for (int i = 0; i < kBlock; ++i) {
    const auto whole = static_cast<uint32_t>((x[i] - offset) * id + add);
    q[i] = whole < kLevels ? whole : kLevels - 1;
    fifth |= q[i] >> 4 << i;
  }
  for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>((q[i] & 15) | (q[i + 16] & 15) << 4);
  if constexpr (kFifth) {
    for (int i = 0; i < 4; ++i) block.qh[i] = static_cast<uint8_t>(fifth >> 8 * i);
  }
}

template <class Block>
void encode_blocks(const float* src, int64_t n, std::byte* dst) {
  for (int64_t i = 0; i < n; i += kBlock, src += kBlock, dst += sizeof(Block)) {
    Block block{};
    if (all_finite(src)) {
      encode(src, block);
    } else {
      block.d = kHalfNaN;
    }
    std::memcpy(dst, &block, sizeof block);
  }
}

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);  // NaN, made quiet
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <uint16_t (*convert)(float value)>
void convert_floats(const float* src, int64_t n, std::byte* dst) {
  for (int64_t i = 0; i < n; ++i) {
    const uint16_t bits = convert(src[i]);
    std::memcpy(dst + 2 * i, &bits, sizeof bits);
  }
}

void copy_floats(const float* src, int64_t n, std::byte* dst) { std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(float)); }

void quantize_q8_0(const float* src, int64_t n, std::byte* dst) {
#if defined(__x86_64__)
  if (has_avx2()) return quantize_q8_0_avx2(src, n, dst);
#endif
  quantize_q8_0_scalar(src, n, dst);
}

using Quantize = void (*)(const float* src, int64_t n, std::byte* dst);
constexpr Quantize kByType[] = {
    copy_floats,
    convert_floats<f32_to_f16>,
    convert_floats<f32_to_bf16>,
    encode_blocks<BlockQ4_0>,
    encode_blocks<BlockQ4_1>,
    encode_blocks<BlockQ5_0>,
    encode_blocks<BlockQ5_1>,
    quantize_q8_0,
};
static_assert(std::size(kByType) == static_cast<size_t>(DType::q8_0) + 1);

}  // namespace

void quantize_q8_0_scalar(const float* src, int64_t n, std::byte* dst) noexcept { encode_blocks<BlockQ8_0>(src, n, dst); }

bool can_quantize(DType dtype) noexcept { return static_cast<size_t>(dtype) < std::size(kByType); }

void quantize(DType dtype, const float* src, int64_t n, std::byte* dst) {
  if (n > 0 && can_quantize(dtype)) kByType[static_cast<size_t>(dtype)](src, n, dst);
}

}  // namespace rustml::tensor
