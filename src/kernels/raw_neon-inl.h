// NEON of every aarch64 processor (no dot product instruction): four registers are 16 lanes. Weights are signed bytes; products
// are widened to 16 bits, pairs of k added; 4-bit weights stay in 16 bits for a whole block (8 steps * 2 * 15 * 127 < 2^15).
#pragma once
#include <arm_neon.h>

#include "kernels/f32x16-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int kTilePanels = 1, kTileTokens = 4;
constexpr int kStreams = 1;    // of a panel's weights, for one token: from beginning to end
constexpr int kFewTokens = 4;  // up to so many take no tile
constexpr int kAttendQueries = 6, kAttendAccumulators = 4, kAttendDirect = 12;

// a * b + c, rounded once.
RUSTML_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  unroll<kParts>([&](auto i) RUSTML_LAMBDA { c.v[i.value] = Batch(vfmaq_f32(c.v[i.value], a.v[i.value], b.v[i.value])); });
  return c;
}
// x 2^n in two factors within float's exponents, so that only the second can round (|n| <= 150, whole).
RUSTML_INLINE F32x16 scale_by_power(F32x16 x, F32x16 n) {
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const int32x4_t whole = vcvtq_s32_f32(n.v[i.value]), half = vshrq_n_s32(whole, 1);
    const auto power = [](int32x4_t e)
                           RUSTML_LAMBDA { return Batch(vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(e, vdupq_n_s32(127)), 23))); };
    x.v[i.value] = x.v[i.value] * power(half) * power(vsubq_s32(whole, half));
  });
  return x;
}
RUSTML_INLINE F32x16 load_f16(const void* p) {
  F32x16 r;
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const uint8x8_t bytes = vld1_u8(static_cast<const uint8_t*>(p) + 8 * i.value);
    r.v[i.value] = Batch(vcvt_f32_f16(vreinterpret_f16_u8(bytes)));
  });
  return r;
}
RUSTML_INLINE void store_f16(uint16_t* p, F32x16 x) {
  unroll<kParts>([&](auto i) RUSTML_LAMBDA { vst1_u16(p + 4 * i.value, vreinterpret_u16_f16(vcvt_f16_f32(x.v[i.value]))); });
}
RUSTML_INLINE F32x16 load_i8(const int8_t* p) {
  const int8x16_t bytes = vld1q_s8(p);
  const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
  const auto wide = [](int16x4_t x) RUSTML_LAMBDA { return Batch(vcvtq_f32_s32(vmovl_s16(x))); };
  return {{wide(vget_low_s16(low)), wide(vget_high_s16(low)), wide(vget_low_s16(high)), wide(vget_high_s16(high))}};
}
RUSTML_INLINE int32_t largest_magnitude_bits(F32x16 a, F32x16 b) {
  int32x4_t m = vdupq_n_s32(0);
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const int32x4_t mask = vdupq_n_s32(0x7fffffff);
    m = vmaxq_s32(m, vandq_s32(vreinterpretq_s32_f32(a.v[i.value]), mask));
    m = vmaxq_s32(m, vandq_s32(vreinterpretq_s32_f32(b.v[i.value]), mask));
  });
  return vmaxvq_s32(m);
}
RUSTML_INLINE int32_t store_rounded_i8(int8_t* q, F32x16 x) {
  int32x4_t n[4];
  unroll<4>([&](auto i) RUSTML_LAMBDA { n[i.value] = vcvtnq_s32_f32(x.v[i.value]); });
  const int16x8_t low = vcombine_s16(vmovn_s32(n[0]), vmovn_s32(n[1])), high = vcombine_s16(vmovn_s32(n[2]), vmovn_s32(n[3]));
  vst1q_s8(q, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
  return vaddvq_s32(vaddq_s32(vaddq_s32(n[0], n[1]), vaddq_s32(n[2], n[3])));
}

RUSTML_INLINE F32x16 load_bf16(const void* p) {
  F32x16 r;
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const uint16x4_t bits = vreinterpret_u16_u8(vld1_u8(static_cast<const uint8_t*>(p) + 8 * i.value));
    r.v[i.value] = Batch(vreinterpretq_f32_u32(vshll_n_u16(bits, 16)));
  });
  return r;
}

struct I8x64 {  // 16 rows x 4 bytes
  uint8x16_t v[4];
};
RUSTML_INLINE I8x64 load_bytes(const std::byte* p) {
  I8x64 r;
  unroll<4>([&](auto i) RUSTML_LAMBDA { r.v[i.value] = vld1q_u8(reinterpret_cast<const uint8_t*>(p) + 16 * i.value); });
  return r;
}
RUSTML_INLINE void store_bytes(std::byte* p, const I8x64& x) {
  unroll<4>([&](auto i) RUSTML_LAMBDA { vst1q_u8(reinterpret_cast<uint8_t*>(p) + 16 * i.value, x.v[i.value]); });
}
// Each byte shifted right (left: negative) within the mask.
template <int shift, int mask>
RUSTML_INLINE I8x64 field(I8x64 x) {
  unroll<4>([&](auto i) RUSTML_LAMBDA {
    uint8x16_t& part = x.v[i.value];
    if constexpr (shift > 0) part = vshrq_n_u8(part, shift);
    if constexpr (shift < 0) part = vshlq_n_u8(part, -shift);
    part = vandq_u8(part, vdupq_n_u8(mask));
  });
  return x;
}
RUSTML_INLINE I8x64 either(I8x64 a, const I8x64& b) {
  unroll<4>([&](auto i) RUSTML_LAMBDA { a.v[i.value] = vorrq_u8(a.v[i.value], b.v[i.value]); });
  return a;
}
// Of 16 bytes the ones at the places x.
RUSTML_INLINE I8x64 look_up(const uint8_t* bytes, I8x64 x) {
  const uint8x16_t book = vld1q_u8(bytes);
  unroll<4>([&](auto i) RUSTML_LAMBDA { x.v[i.value] = vqtbl1q_u8(book, x.v[i.value]); });
  return x;
}
RUSTML_INLINE int8x16_t broadcast4(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return vreinterpretq_s8_s32(vdupq_n_s32(word));
}
// Both 16-bit halves times their factors, added, in every lane.
RUSTML_INLINE int32x4_t weighted(int32_t sums, int32_t factors) {
  const int32_t low = static_cast<int16_t>(sums) * static_cast<int16_t>(factors), high = (sums >> 16) * (factors >> 16);
  return vdupq_n_s32(low + high);
}
RUSTML_INLINE F32x16 as_floats(int32x4_t x) {
  const Batch part(vcvtq_f32_s32(x));
  return {{part, part, part, part}};
}

RUSTML_INLINE F32x16 to_floats(const int32x4_t (&x)[4]) {
  F32x16 r;
  unroll<4>([&](auto i) RUSTML_LAMBDA { r.v[i.value] = Batch(vcvtq_f32_s32(x[i.value])); });
  return r;
}

// Stored weights as signed factors: those of fewer than 8 bits are below 128, so their sign does not matter.
struct SignedBytes {
  int8x16_t v[4];
};
template <int bits>
RUSTML_INLINE SignedBytes signed_bytes(const I8x64& stored) {
  SignedBytes w;
  unroll<4>([&](auto i) RUSTML_LAMBDA {
    w.v[i.value] = vreinterpretq_s8_u8(bits == 8 ? veorq_u8(stored.v[i.value], vdupq_n_u8(0x80)) : stored.v[i.value]);
  });
  return w;
}

#ifndef RUSTML_DOT_INSTRUCTION  // raw_neondot-inl.h has one
// Dot products of 16 rows x 4 k per step: signed weights and activations. Pairs of
// weights below 2^bits stay in 16 bits for kNarrow steps.
template <int bits>
struct DotOf {
  static constexpr int kNarrow = bits <= 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
  using Weights = SignedBytes;
  struct Sum {
    int16x8_t narrow[4];  // two per row
    int32x4_t wide[4];
  };
  static RUSTML_INLINE Weights weights(const I8x64& stored) { return signed_bytes<bits>(stored); }
  static RUSTML_INLINE Sum start(int32x4_t correction) {
    if constexpr (bits == 8) correction = vdupq_n_s32(0);  // the weights are signed
    return {{}, {correction, correction, correction, correction}};
  }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, int8x16_t x) {
    unroll<4>([&](auto i) RUSTML_LAMBDA {
      const int16x8_t low = vmull_s8(vget_low_s8(w.v[i.value]), vget_low_s8(x)), high = vmull_high_s8(w.v[i.value], x);
      int32x4_t& wide = sum.wide[i.value];
      if constexpr (bits == 8) {  // a pair of -128 * -127 twice does not fit 16 bits
        wide = vaddq_s32(wide, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
        RUSTML_IN_ORDER("w", wide);
      } else {
        int16x8_t& narrow = sum.narrow[i.value];
        narrow = nth % kNarrow == 0 ? vpaddq_s16(low, high) : vaddq_s16(narrow, vpaddq_s16(low, high));
        RUSTML_IN_ORDER("w", narrow);
        if constexpr (nth % kNarrow == kNarrow - 1) wide = vpadalq_s16(wide, narrow);
      }
    });
  }
  static RUSTML_INLINE F32x16 finish(const Sum& sum) { return to_floats(sum.wide); }
};
#endif

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
