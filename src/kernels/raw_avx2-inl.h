// AVX2 + FMA + F16C: two registers are 16 lanes. No exact u8 x s8 dot product: vpmaddubsw saturates at 16 bits.
//  8-bit weights: |w| <= 128 times bytes with the sign, -2^15 <= -2 * 128 * 128, 2 * 128 * 127 < 2^15: exact for all of them.
//  Fewer bits stay in 16 bits for some steps: 8 * 2 * 15 * 127 = 30480, 4 * 2 * 31 * 127 = 31496, 2 * 2 * 63 * 127 = 32004, 2 * 127 * 127 =
//  32258 < 2^15.
#pragma once
#include <immintrin.h>

#include "kernels/constants.h"
#include "kernels/f32x16-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int kTilePanels = 1, kTileTokens = 4;
constexpr int kStreams = 1;    // of a panel's weights, for one token: from beginning to end
constexpr int kFewTokens = 8;  // up to so many take no tile, as measured on Zen 3
constexpr int kAttendQueries = 6, kAttendAccumulators = 4,
              kAttendDirect = 12;  // 12 registers of accumulators; 8, where several vectors take more

RUSTML_INLINE F32x16 raw(__m256 a, __m256 b) { return {{Batch(a), Batch(b)}}; }

// a * b + c, rounded once.
RUSTML_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return raw(_mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]), _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1]));
}
// x 2^n in two factors within float's exponents, so that only the second can round (|n| <= 150, whole).
RUSTML_INLINE F32x16 scale_by_power(F32x16 x, F32x16 n) {
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const __m256i whole = _mm256_cvtps_epi32(n.v[i.value]), half = _mm256_srai_epi32(whole, 1);
    const auto power = [](__m256i e) RUSTML_LAMBDA {
      return Batch(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23)));
    };
    x.v[i.value] = x.v[i.value] * power(half) * power(_mm256_sub_epi32(whole, half));
  });
  return x;
}
RUSTML_INLINE F32x16 load_f16(const void* p) {
  const auto* src = static_cast<const __m128i*>(p);
  return raw(_mm256_cvtph_ps(_mm_loadu_si128(src)), _mm256_cvtph_ps(_mm_loadu_si128(src + 1)));
}
RUSTML_INLINE void store_f16(void* p, F32x16 x) {
  auto* dst = static_cast<__m128i*>(p);
  _mm_storeu_si128(dst, _mm256_cvtps_ph(x.v[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  _mm_storeu_si128(dst + 1, _mm256_cvtps_ph(x.v[1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
RUSTML_INLINE F32x16 load_i8(const void* p) {
  const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
  return raw(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))));
}
RUSTML_INLINE int32_t largest_magnitude_bits(F32x16 a, F32x16 b) {
  const __m256i mask = _mm256_set1_epi32(0x7fffffff);
  const auto bits = [&](__m256 x) RUSTML_LAMBDA { return _mm256_and_si256(_mm256_castps_si256(x), mask); };
  const __m256i m8 = _mm256_max_epi32(_mm256_max_epi32(bits(a.v[0]), bits(a.v[1])), _mm256_max_epi32(bits(b.v[0]), bits(b.v[1])));
  const __m128i m4 = _mm_max_epi32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
  const __m128i m2 = _mm_max_epi32(m4, _mm_shuffle_epi32(m4, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(m2, _mm_shuffle_epi32(m2, 0xb1)));
}
RUSTML_INLINE int32_t store_rounded_i8(int8_t* q, F32x16 x) {
  const __m256i a = _mm256_cvtps_epi32(x.v[0]), b = _mm256_cvtps_epi32(x.v[1]);
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  const __m256i s8 = _mm256_add_epi32(a, b);
  const __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s8), _mm256_extracti128_si256(s8, 1));
  const __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s2, _mm_shuffle_epi32(s2, 0xb1)));
}

// quantize_q8 of four blocks, whose reductions and divisions share instructions. q: 32 bytes at every q_stride. false: a value is
// not finite, and nothing was written.
#define RUSTML_FOUR_BLOCKS
RUSTML_INLINE bool quantize_four(const float* x, int8_t* q, int64_t q_stride, float d[4], int32_t sum[4]) {
  const auto magnitudes = [&](int64_t b) RUSTML_LAMBDA {
    const auto part = [&](int64_t i) RUSTML_LAMBDA {
      return _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + 32 * b + 8 * i)), _mm256_set1_epi32(0x7fffffff));
    };
    return _mm256_max_epi32(_mm256_max_epi32(part(0), part(1)), _mm256_max_epi32(part(2), part(3)));
  };
  const auto largest_of = [](__m256i a, __m256i b) RUSTML_LAMBDA {  // 64 bits: two lanes of a's, of b's
    return _mm256_max_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
  };
  const __m256i m01 = largest_of(magnitudes(0), magnitudes(1)), m23 = largest_of(magnitudes(2), magnitudes(3));
  const __m256i m8 = _mm256_max_epi32(_mm256_unpacklo_epi64(m01, m23), _mm256_unpackhi_epi64(m01, m23));  // 128 bits: of each block
  const __m128i bits = _mm_max_epi32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
  if (_mm_movemask_epi8(_mm_cmpgt_epi32(bits, _mm_set1_epi32(0x7f7fffff))) != 0) return false;
  const __m128 largest = _mm_castsi128_ps(bits), counts = _mm_cmpge_ps(largest, _mm_set1_ps(kQuantizeTiny));
  float factor[4];
  _mm_storeu_ps(d, _mm_and_ps(counts, _mm_div_ps(largest, _mm_set1_ps(127.0f))));
  _mm_storeu_ps(factor, _mm_and_ps(counts, _mm_div_ps(_mm_set1_ps(127.0f), largest)));
  RUSTML_IN_ORDER("m", factor);  // read from memory: shuffles are many already

  // Stores block b. Returns sums of two values: 128 bits are two of each eight of the block.
  const auto store_block = [&](int64_t b) RUSTML_LAMBDA {
    const auto rounded = [&](int64_t i) RUSTML_LAMBDA {
      return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 32 * b + 8 * i), _mm256_set1_ps(factor[b])));
    };
    const __m256i mixed = _mm256_packs_epi16(_mm256_packs_epi32(rounded(0), rounded(1)), _mm256_packs_epi32(rounded(2), rounded(3)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + b * q_stride),
                        _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    return _mm256_maddubs_epi16(_mm256_set1_epi8(1), mixed);
  };
  const __m256i s0 = store_block(0), s1 = store_block(1), s2 = store_block(2), s3 = store_block(3);
  const __m256i s16 = _mm256_hadd_epi16(_mm256_hadd_epi16(s0, s1), _mm256_hadd_epi16(s2, s3));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sum), _mm_add_epi16(_mm256_castsi256_si128(s16), _mm256_extracti128_si256(s16, 1)));
  return true;
}

RUSTML_INLINE F32x16 load_bf16(const void* p) {
  const auto* src = static_cast<const __m128i*>(p);
  const auto wide = [](__m128i bits) RUSTML_LAMBDA { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)); };
  return raw(wide(_mm_loadu_si128(src)), wide(_mm_loadu_si128(src + 1)));
}

struct I8x64 {  // 16 rows x 4 bytes
  __m256i v[2];
};
RUSTML_INLINE I8x64 load_bytes(const std::byte* p) {
  const auto* src = reinterpret_cast<const __m256i*>(p);
  return {{_mm256_loadu_si256(src), _mm256_loadu_si256(src + 1)}};
}
RUSTML_INLINE void store_bytes(std::byte* p, I8x64 x) {
  auto* dst = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(dst, x.v[0]);
  _mm256_storeu_si256(dst + 1, x.v[1]);
}
// Each byte shifted right (left: negative) within the mask.
template <int shift, int mask>
RUSTML_INLINE I8x64 field(I8x64 x) {
  unroll<2>([&](auto i) RUSTML_LAMBDA {
    __m256i& part = x.v[i.value];
    if constexpr (shift > 0) part = _mm256_srli_epi16(part, shift);
    if constexpr (shift < 0) part = _mm256_slli_epi16(part, -shift);
    part = _mm256_and_si256(part, _mm256_set1_epi8(mask));
  });
  return x;
}
RUSTML_INLINE I8x64 either(I8x64 a, I8x64 b) { return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}}; }
// Of 16 bytes the ones at the places x.
RUSTML_INLINE I8x64 look_up(const uint8_t* bytes, I8x64 x) {
  const __m256i book = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
  return {{_mm256_shuffle_epi8(book, x.v[0]), _mm256_shuffle_epi8(book, x.v[1])}};
}
RUSTML_INLINE __m256i broadcast4(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return _mm256_set1_epi32(word);
}
// Both 16-bit halves times their factors, added, in every lane.
RUSTML_INLINE __m256i weighted(int32_t sums, int32_t factors) {
  return _mm256_madd_epi16(_mm256_set1_epi32(sums), _mm256_set1_epi32(factors));
}
RUSTML_INLINE F32x16 as_floats(__m256i x) { return raw(_mm256_cvtepi32_ps(x), _mm256_cvtepi32_ps(x)); }

#ifndef RUSTML_DOT_INSTRUCTION  // raw_avxvnni-inl.h has one
// Dot products of 16 rows x 4 k per step: stored (unsigned) weights, signed activations. Weights below 2^bits stay in 16 bits
// for kNarrow steps.
template <int bits>
struct DotOf {
  static constexpr int kNarrow = bits <= 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
  using Weights = I8x64;
  struct Sum {
    I8x64 narrow, wide;  // 16-bit lanes, two per row, and 32-bit lanes
  };
  static RUSTML_INLINE Weights weights(I8x64 stored) { return stored; }
  static RUSTML_INLINE Sum start(__m256i correction) { return {{}, {{correction, correction}}}; }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, __m256i x) {
    unroll<2>([&](auto i) RUSTML_LAMBDA {
      __m256i& narrow = sum.narrow.v[i.value];
      const __m256i pairs = _mm256_maddubs_epi16(w.v[i.value], x);
      narrow = nth % kNarrow == 0 ? pairs : _mm256_add_epi16(narrow, pairs);
      RUSTML_IN_ORDER("x", narrow);
      if constexpr (nth % kNarrow == kNarrow - 1) widen(sum, i);
    });
  }
  static RUSTML_INLINE F32x16 finish(Sum sum) { return raw(_mm256_cvtepi32_ps(sum.wide.v[0]), _mm256_cvtepi32_ps(sum.wide.v[1])); }

 private:
  template <class Part>
  static RUSTML_INLINE void widen(Sum& sum, Part i) {
    __m256i& wide = sum.wide.v[i.value];
    wide = _mm256_add_epi32(wide, _mm256_madd_epi16(sum.narrow.v[i.value], _mm256_set1_epi16(1)));
  }
};

// Eight bits: magnitudes times the other factor with the sign, but flipped (~x = -x - 1), which is an instruction cheaper than negated.
// The magnitudes under a minus are what is then missing.
template <>
struct DotOf<8> {
  using Sum = I8x64;  // 32-bit lanes
  static RUSTML_INLINE F32x16 finish(Sum sum) { return raw(_mm256_cvtepi32_ps(sum.v[0]), _mm256_cvtepi32_ps(sum.v[1])); }

  // More: of the weights, prepared as they are expanded.
  struct Weights {
    I8x64 magnitude, minus;
  };
  static RUSTML_INLINE Weights weights(I8x64 stored) {
    const __m256i bias = _mm256_set1_epi8(-128), zero = _mm256_setzero_si256();
    const __m256i a = _mm256_xor_si256(stored.v[0], bias), b = _mm256_xor_si256(stored.v[1], bias);
    return {{{_mm256_abs_epi8(a), _mm256_abs_epi8(b)}}, {{_mm256_cmpgt_epi8(zero, a), _mm256_cmpgt_epi8(zero, b)}}};
  }
  static RUSTML_INLINE void store_weights(std::byte* p, const Weights& w) { store_bytes(p, w.magnitude), store_bytes(p + 64, w.minus); }
  static RUSTML_INLINE Weights load_weights(const std::byte* p) { return {load_bytes(p), load_bytes(p + 64)}; }
  // Sums begin with what `missing` adds up to.
  static RUSTML_INLINE Sum start(I8x64 row_start) { return row_start; }
  template <int nth>
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, __m256i x) {
    unroll<2>([&](auto i) RUSTML_LAMBDA { add_pairs(sum.v[i.value], w.magnitude.v[i.value], _mm256_xor_si256(x, w.minus.v[i.value])); });
  }
  // Of 4 k, added to `sum`.
  static RUSTML_INLINE void missing(Sum& sum, const Weights& w) {
    unroll<2>([&](auto i) RUSTML_LAMBDA {
      const __m256i pairs = _mm256_maddubs_epi16(w.magnitude.v[i.value], w.minus.v[i.value]);
      sum.v[i.value] = _mm256_sub_epi32(sum.v[i.value], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    });
  }

  // Few tokens: from the packed panel.
  static RUSTML_INLINE Sum start(__m256i) { return {{_mm256_setzero_si256(), _mm256_setzero_si256()}}; }  // the weights are signed
  static RUSTML_INLINE void step(Sum& sum, I8x64 stored, __m256i x) {
    unroll<2>([&](auto i) RUSTML_LAMBDA {
      const __m256i w = _mm256_xor_si256(stored.v[i.value], _mm256_set1_epi8(-128));
      add_pairs(sum.v[i.value], _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    });
  }

 private:
  static RUSTML_INLINE void add_pairs(__m256i& sum, __m256i magnitude, __m256i other) {
    const __m256i pairs = _mm256_maddubs_epi16(magnitude, other);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    RUSTML_IN_ORDER("x", sum);
  }
};
#endif

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
