// AVX-512 F/BW/VL/DQ + VNNI: one register is 16 lanes; vpdpbusd multiplies unsigned weights with signed activations exactly.
#pragma once
#include <immintrin.h>

#include "kernels/constants.h"
#include "kernels/f32x16-inl.h"

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

// quantize_q8 of four blocks, whose reductions and divisions share instructions. q: 32 bytes at every q_stride. false: a value is
// not finite, and nothing was written.
#define RUSTML_FOUR_BLOCKS
RUSTML_INLINE bool quantize_four(const float* x, int8_t* q, int64_t q_stride, float d[4], int32_t sum[4]) {
  const auto magnitudes = [&](int64_t b) RUSTML_LAMBDA {
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    const __m512i low = _mm512_loadu_si512(x + 32 * b), high = _mm512_loadu_si512(x + 32 * b + 16);
    return _mm512_max_epi32(_mm512_and_si512(low, mask), _mm512_and_si512(high, mask));
  };
  const auto largest_of = [](__m512i a, __m512i b) RUSTML_LAMBDA {  // 64 bits: two lanes of a's, of b's
    return _mm512_max_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const __m512i m01 = largest_of(magnitudes(0), magnitudes(1)), m23 = largest_of(magnitudes(2), magnitudes(3));
  const __m512i m16 = _mm512_max_epi32(_mm512_unpacklo_epi64(m01, m23), _mm512_unpackhi_epi64(m01, m23));  // 128 bits: of each block
  const __m256i m8 = _mm256_max_epi32(_mm512_castsi512_si256(m16), _mm512_extracti64x4_epi64(m16, 1));
  const __m128i bits = _mm_max_epi32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
  if (_mm_movemask_epi8(_mm_cmpgt_epi32(bits, _mm_set1_epi32(0x7f7fffff))) != 0) return false;
  const __m128 largest = _mm_castsi128_ps(bits), counts = _mm_cmpge_ps(largest, _mm_set1_ps(kQuantizeTiny));
  float factor[4];
  _mm_storeu_ps(d, _mm_and_ps(counts, _mm_div_ps(largest, _mm_set1_ps(127.0f))));
  _mm_storeu_ps(factor, _mm_and_ps(counts, _mm_div_ps(_mm_set1_ps(127.0f), largest)));
  RUSTML_IN_ORDER("m", factor);  // read from memory: the port of shuffles is the narrow place

  const auto rounded = [&](int64_t b, int64_t half) RUSTML_LAMBDA {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 32 * b + 16 * half), _mm512_set1_ps(factor[b])));
  };
  // Stores blocks b and b + 1. Returns sums of four values: 128 bits are the two halves of b, those of b + 1.
  const auto store_pair = [&](int64_t b) RUSTML_LAMBDA {
    const __m512i words = _mm512_packs_epi32(rounded(b, 0), rounded(b, 1)), next = _mm512_packs_epi32(rounded(b + 1, 0), rounded(b + 1, 1));
    const __m512i mixed = _mm512_packs_epi16(words, next);
    const __m512i bytes = _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), mixed);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + b * q_stride), _mm512_castsi512_si256(bytes));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + (b + 1) * q_stride), _mm512_extracti64x4_epi64(bytes, 1));
    return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), mixed);
  };
  const __m512i first = store_pair(0), s32 = _mm512_packs_epi32(first, store_pair(2));
  const __m256i s16 = _mm256_add_epi16(_mm512_castsi512_si256(s32), _mm512_extracti64x4_epi64(s32, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sum), _mm_add_epi16(_mm256_castsi256_si128(s16), _mm256_extracti128_si256(s16, 1)));
  return true;
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
// Of 16 bytes the ones at the places x.
RUSTML_INLINE I8x64 look_up(const uint8_t* bytes, I8x64 x) {
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))), x);
}
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
