// SSE4.1, the baseline: four registers are 16 lanes. No FMA and no f16 conversion; the dot products are those of AVX2.
#pragma once
#include <smmintrin.h>
#include <tmmintrin.h>

#include "kernels/f32x16-inl.h"
#include "kernels/kernels.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int kTilePanels = 1, kTileTokens = 2;
constexpr int kStreams = 1;    // of a panel's weights, for one token: from beginning to end
constexpr int kFewTokens = 2;  // up to so many take no tile: more do not fit the registers
constexpr int kAttendQueries = 2, kAttendAccumulators = 2, kAttendDirect = 2;

RUSTML_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return a * b + c; }  // rounded twice: there is no such instruction
// x 2^n in two factors within float's exponents, so that only the second can round (|n| <= 150, whole).
RUSTML_INLINE F32x16 scale_by_power(F32x16 x, F32x16 n) {
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const __m128i whole = _mm_cvtps_epi32(n.v[i.value]), half = _mm_srai_epi32(whole, 1);
    const auto power = [](__m128i e)
                           RUSTML_LAMBDA { return Batch(_mm_castsi128_ps(_mm_slli_epi32(_mm_add_epi32(e, _mm_set1_epi32(127)), 23))); };
    x.v[i.value] = x.v[i.value] * power(half) * power(_mm_sub_epi32(whole, half));
  });
  return x;
}

// Exponent and fraction shifted into a float are the value times 2^-112, subnormals included; infinity and NaN get their exponent.
RUSTML_INLINE F32x16 load_f16(const void* p) {
  F32x16 r;
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const __m128i bits = _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(static_cast<const char*>(p) + 8 * i.value)));
    const __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi32(0x7fff)), sign = _mm_slli_epi32(_mm_xor_si128(bits, magnitude), 16);
    const __m128i special = _mm_and_si128(_mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7bff)), _mm_set1_epi32(0x7f800000));
    const __m128 value = _mm_mul_ps(_mm_castsi128_ps(_mm_slli_epi32(magnitude, 13)), _mm_set1_ps(0x1p112f));
    r.v[i.value] = Batch(_mm_or_ps(_mm_or_ps(value, _mm_castsi128_ps(special)), _mm_castsi128_ps(sign)));
  });
  return r;
}
RUSTML_INLINE void store_f16(uint16_t* p, F32x16 x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int l = 0; l < kLanes; ++l) p[l] = tensor::f32_to_f16(lanes[l]);
}
RUSTML_INLINE F32x16 load_i8(const int8_t* p) {
  F32x16 r;
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    int32_t word;
    __builtin_memcpy(&word, p + 4 * i.value, 4);
    r.v[i.value] = Batch(_mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(word))));
  });
  return r;
}
RUSTML_INLINE int32_t largest_magnitude_bits(F32x16 a, F32x16 b) {
  __m128i m = _mm_setzero_si128();
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const __m128i mask = _mm_set1_epi32(0x7fffffff);
    m = _mm_max_epi32(m, _mm_and_si128(_mm_castps_si128(a.v[i.value]), mask));
    m = _mm_max_epi32(m, _mm_and_si128(_mm_castps_si128(b.v[i.value]), mask));
  });
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}
RUSTML_INLINE int32_t store_rounded_i8(int8_t* q, F32x16 x) {
  __m128i n[4];
  unroll<4>([&](auto i) RUSTML_LAMBDA { n[i.value] = _mm_cvtps_epi32(x.v[i.value]); });
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm_packs_epi16(_mm_packs_epi32(n[0], n[1]), _mm_packs_epi32(n[2], n[3])));
  __m128i sum = _mm_add_epi32(_mm_add_epi32(n[0], n[1]), _mm_add_epi32(n[2], n[3]));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}

RUSTML_INLINE F32x16 load_bf16(const void* p) {
  F32x16 r;
  unroll<kParts>([&](auto i) RUSTML_LAMBDA {
    const __m128i bits = _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(static_cast<const char*>(p) + 8 * i.value)));
    r.v[i.value] = Batch(_mm_castsi128_ps(_mm_slli_epi32(bits, 16)));
  });
  return r;
}

struct I8x64 {  // 16 rows x 4 bytes
  __m128i v[4];
};
template <class F>
RUSTML_INLINE I8x64 each_part(F f) {
  return {{f(Index<0>{}), f(Index<1>{}), f(Index<2>{}), f(Index<3>{})}};
}
RUSTML_INLINE I8x64 load_bytes(const std::byte* p) {
  return each_part([&](auto i) RUSTML_LAMBDA { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + i.value); });
}
RUSTML_INLINE void store_bytes(std::byte* p, const I8x64& x) {
  unroll<4>([&](auto i) RUSTML_LAMBDA { _mm_storeu_si128(reinterpret_cast<__m128i*>(p) + i.value, x.v[i.value]); });
}
// Each byte shifted right (left: negative) within the mask.
template <int shift, int mask>
RUSTML_INLINE I8x64 field(const I8x64& x) {
  return each_part([&](auto i) RUSTML_LAMBDA {
    __m128i part = x.v[i.value];
    if constexpr (shift > 0) part = _mm_srli_epi16(part, shift);
    if constexpr (shift < 0) part = _mm_slli_epi16(part, -shift);
    return _mm_and_si128(part, _mm_set1_epi8(mask));
  });
}
RUSTML_INLINE I8x64 either(const I8x64& a, const I8x64& b) {
  return each_part([&](auto i) RUSTML_LAMBDA { return _mm_or_si128(a.v[i.value], b.v[i.value]); });
}
// Of 16 bytes the ones at the places x.
RUSTML_INLINE I8x64 look_up(const uint8_t* bytes, const I8x64& x) {
  const __m128i book = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  return each_part([&](auto i) RUSTML_LAMBDA { return _mm_shuffle_epi8(book, x.v[i.value]); });
}
RUSTML_INLINE __m128i broadcast4(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return _mm_set1_epi32(word);
}
// Both 16-bit halves times their factors, added, in every lane.
RUSTML_INLINE __m128i weighted(int32_t sums, int32_t factors) { return _mm_madd_epi16(_mm_set1_epi32(sums), _mm_set1_epi32(factors)); }
RUSTML_INLINE F32x16 as_floats(__m128i x) {
  const Batch part(_mm_cvtepi32_ps(x));
  return {{part, part, part, part}};
}

RUSTML_INLINE F32x16 to_floats(const I8x64& sum) {
  F32x16 r;
  unroll<4>([&](auto i) RUSTML_LAMBDA { r.v[i.value] = Batch(_mm_cvtepi32_ps(sum.v[i.value])); });
  return r;
}

// Dot products of 16 rows x 4 k per step: stored (unsigned) weights, signed activations. Exactness as in raw_avx2-inl.h.
template <int bits>
struct DotOf {
  static constexpr int kNarrow = bits <= 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
  using Weights = I8x64;
  struct Sum {
    I8x64 narrow, wide;  // 16-bit lanes, two per row, and 32-bit lanes
  };
  static RUSTML_INLINE const Weights& weights(const I8x64& stored) { return stored; }
  static RUSTML_INLINE Sum start(__m128i correction) { return {{}, {{correction, correction, correction, correction}}}; }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, __m128i x) {
    unroll<4>([&](auto i) RUSTML_LAMBDA {
      __m128i& narrow = sum.narrow.v[i.value];
      const __m128i pairs = _mm_maddubs_epi16(w.v[i.value], x);
      narrow = nth % kNarrow == 0 ? pairs : _mm_add_epi16(narrow, pairs);
      RUSTML_IN_ORDER("x", narrow);
      __m128i& wide = sum.wide.v[i.value];
      if constexpr (nth % kNarrow == kNarrow - 1) wide = _mm_add_epi32(wide, _mm_madd_epi16(narrow, _mm_set1_epi16(1)));
    });
  }
  static RUSTML_INLINE F32x16 finish(const Sum& sum) { return to_floats(sum.wide); }
};

template <>
struct DotOf<8> {
  using Weights = I8x64;  // signed
  using Sum = I8x64;      // 32-bit lanes
  static RUSTML_INLINE Weights weights(const I8x64& stored) {
    return each_part([&](auto i) RUSTML_LAMBDA { return _mm_xor_si128(stored.v[i.value], _mm_set1_epi8(-128)); });
  }
  static RUSTML_INLINE Sum start(__m128i) {
    return each_part([](auto) RUSTML_LAMBDA { return _mm_setzero_si128(); });
  }
  template <int nth>
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, __m128i x) {
    unroll<4>([&](auto i) RUSTML_LAMBDA {
      const __m128i pairs = _mm_maddubs_epi16(_mm_abs_epi8(w.v[i.value]), _mm_sign_epi8(x, w.v[i.value]));
      sum.v[i.value] = _mm_add_epi32(sum.v[i.value], _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
      RUSTML_IN_ORDER("x", sum.v[i.value]);
    });
  }
  static RUSTML_INLINE F32x16 finish(const Sum& sum) { return to_floats(sum); }
};

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
