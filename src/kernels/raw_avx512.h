// AVX-512 F/BW/VL/DQ + VNNI: one register is 16 lanes; vpdpbusd multiplies unsigned weights with signed activations exactly.
#pragma once
#include <immintrin.h>

#define RUSTML_TARGET avx512
#define RUSTML_XSIMD_ARCH xsimd::avx512bw
#include "kernels/f32x16.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// Register tile of linear: 2 panels x 6 tokens = 12 integer and 12 float accumulators of 32 registers.
constexpr int kTilePanels = 2, kTileTokens = 6;
constexpr int kStreams = 2;    // of a panel's weights, for one token: its halves side by side
constexpr int kFewTokens = 8;  // up to so many take no tile
// Register tile of attention: 8 queries x 2 vectors; for fewer queries up to 4 vectors. kAttendDirect: up to so many queries read K
// and V themselves; more take them converted.
constexpr int kAttendQueries = 8, kAttendAccumulators = 16, kAttendDirect = 8;

RUSTML_INLINE F32x16 raw(__m512 x) { return {{Batch(x)}}; }

// a * b + c, rounded once.
RUSTML_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return raw(_mm512_fmadd_ps(a.v[0], b.v[0], c.v[0])); }
RUSTML_INLINE F32x16 operator/(F32x16 a, F32x16 b) { return raw(_mm512_div_ps(a.v[0], b.v[0])); }
RUSTML_INLINE F32x16 scale_by_power(F32x16 x, F32x16 n) { return raw(_mm512_scalef_ps(x.v[0], n.v[0])); }  // x 2^n, rounded once
RUSTML_INLINE F32x16 load_f16(const void* p) { return raw(_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)))); }
RUSTML_INLINE void store_f16(void* p, F32x16 x) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtps_ph(x.v[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
RUSTML_INLINE F32x16 load_i8(const void* p) {
  return raw(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)))));
}
// The largest |lane| of both as bits: order of magnitudes, 0x7f800000 or more if one is not finite.
RUSTML_INLINE int32_t largest_magnitude_bits(F32x16 a, F32x16 b) {
  const __m512i mask = _mm512_set1_epi32(0x7fffffff);
  return _mm512_reduce_max_epi32(
      _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a.v[0]), mask), _mm512_and_si512(_mm512_castps_si512(b.v[0]), mask)));
}
// 16 values in [-127.5, 127.5] rounded to even; returns their sum.
RUSTML_INLINE int32_t store_rounded_i8(int8_t* q, F32x16 x) {
  const __m512i rounded = _mm512_cvtps_epi32(x.v[0]);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(rounded));
  return _mm512_reduce_add_epi32(rounded);
}

RUSTML_INLINE F32x16 load_bf16(const void* p) {
  const __m512i bits = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p))), 16);
  return raw(_mm512_castsi512_ps(bits));
}

using I8x64 = __m512i;  // 16 rows x 4 bytes
RUSTML_INLINE I8x64 load_bytes(const std::byte* p) { return _mm512_loadu_si512(p); }
RUSTML_INLINE void store_bytes(std::byte* p, I8x64 x) { _mm512_storeu_si512(p, x); }
// Each byte shifted right (left: negative) within the mask.
template <int shift, int mask>
RUSTML_INLINE I8x64 field(I8x64 x) {
  if constexpr (shift > 0) x = _mm512_srli_epi16(x, shift);
  if constexpr (shift < 0) x = _mm512_slli_epi16(x, -shift);
  return _mm512_and_si512(x, _mm512_set1_epi8(mask));
}
RUSTML_INLINE I8x64 either(I8x64 a, I8x64 b) { return _mm512_or_si512(a, b); }
RUSTML_INLINE __m512i broadcast4(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return _mm512_set1_epi32(word);
}
// Both 16-bit halves times their factors, added, in every lane.
RUSTML_INLINE __m512i weighted(int32_t sums, int32_t factors) {
  return _mm512_dpwssd_epi32(_mm512_setzero_si512(), _mm512_set1_epi32(sums), _mm512_set1_epi32(factors));
}
RUSTML_INLINE F32x16 as_floats(__m512i x) { return raw(_mm512_cvtepi32_ps(x)); }

// Dot products of 16 rows x 4 k per step: stored (unsigned) weights, signed activations; the correction makes them exact.
struct Dot {
  using Weights = I8x64;
  using Sum = __m512i;
  static RUSTML_INLINE Weights weights(I8x64 stored) { return stored; }
  static RUSTML_INLINE Sum start(__m512i correction) { return correction; }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, Weights w, __m512i x) {
    sum = _mm512_dpbusd_epi32(sum, w, x);
  }
  static RUSTML_INLINE F32x16 finish(Sum sum) { return raw(_mm512_cvtepi32_ps(sum)); }
};
template <int bits>
using DotOf = Dot;

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
