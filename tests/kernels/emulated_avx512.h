// The intrinsics of AVX-512 and VNNI that the kernels and xsimd use, for a processor with AVX2: SIMDe's, and what SIMDe 0.7.4
// lacks or does only nearly (its scalef goes through exp2) from the operations' descriptions in Intel's Intrinsics Guide. gcc
// refuses to compile any other AVX-512 intrinsic without its -mavx512 options: nothing is left out unnoticed.
#pragma once
#include <immintrin.h>  // before SIMDe: it then takes over the names

#include <bit>
#include <cmath>
#include <cstdint>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

namespace rustml::emulated {
namespace {

struct Floats {
  float lane[16];
};
struct Ints {
  int32_t lane[16];
};
struct FloatHalves {
  __m256 low, high;
};
struct IntHalves {
  __m256i low, high;
};
inline __m512 joined(__m256 low, __m256 high) { return std::bit_cast<__m512>(FloatHalves{low, high}); }
inline __m512i joined(__m256i low, __m256i high) { return std::bit_cast<__m512i>(IntHalves{low, high}); }

// a 2^floor(b), rounded once.
inline __m512 scalef(__m512 a, __m512 b) {
  auto x = std::bit_cast<Floats>(a);
  const auto n = std::bit_cast<Floats>(b);
  for (int i = 0; i < 16; ++i) {
    if (std::isnan(n.lane[i])) {
      x.lane[i] = n.lane[i];
    } else {
      const float whole = std::floor(n.lane[i]);  // beyond 400 every float becomes 0 or infinite
      x.lane[i] = std::ldexp(x.lane[i], static_cast<int>(whole < -400 ? -400 : whole > 400 ? 400 : whole));
    }
  }
  return std::bit_cast<__m512>(x);
}
inline __m512i cvtps_epi32(__m512 x) {
  const auto h = std::bit_cast<FloatHalves>(x);
  return joined(_mm256_cvtps_epi32(h.low), _mm256_cvtps_epi32(h.high));
}
inline __m512 cvtepi32_ps(__m512i x) {
  const auto h = std::bit_cast<IntHalves>(x);
  return joined(_mm256_cvtepi32_ps(h.low), _mm256_cvtepi32_ps(h.high));
}
inline __m512 cvtph_ps(__m256i x) {
  return joined(_mm256_cvtph_ps(_mm256_castsi256_si128(x)), _mm256_cvtph_ps(_mm256_extracti128_si256(x, 1)));
}
template <int rounding>
inline __m256i cvtps_ph(__m512 x) {
  const auto h = std::bit_cast<FloatHalves>(x);
  return _mm256_set_m128i(_mm256_cvtps_ph(h.high, rounding), _mm256_cvtps_ph(h.low, rounding));
}
inline __m512i cvtepi8_epi32(__m128i x) { return joined(_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8))); }
inline __m512i cvtepu16_epi32(__m256i x) {
  return joined(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(x)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(x, 1)));
}
inline __m128i cvtepi32_epi8(__m512i x) {  // truncates, unlike a pack
  const auto from = std::bit_cast<Ints>(x);
  struct {
    uint8_t lane[16];
  } to;
  for (int i = 0; i < 16; ++i) to.lane[i] = static_cast<uint8_t>(from.lane[i]);
  return std::bit_cast<__m128i>(to);
}
inline int32_t reduce_add_epi32(__m512i x) {
  uint32_t sum = 0;
  for (int32_t lane : std::bit_cast<Ints>(x).lane) sum += static_cast<uint32_t>(lane);
  return static_cast<int32_t>(sum);
}
inline int32_t reduce_max_epi32(__m512i x) {
  int32_t largest = INT32_MIN;
  for (int32_t lane : std::bit_cast<Ints>(x).lane) largest = lane > largest ? lane : largest;
  return largest;
}

}  // namespace
}  // namespace rustml::emulated

#undef _mm512_cvtps_ph
#undef _mm512_scalef_ps
#define _mm512_scalef_ps(a, b) rustml::emulated::scalef(a, b)
#define _mm512_cvtps_epi32(x) rustml::emulated::cvtps_epi32(x)
#define _mm512_cvtepi32_ps(x) rustml::emulated::cvtepi32_ps(x)
#define _mm512_cvtph_ps(x) rustml::emulated::cvtph_ps(x)
#define _mm512_cvtps_ph(x, rounding) rustml::emulated::cvtps_ph<(rounding)>(x)
#define _mm512_cvtepi8_epi32(x) rustml::emulated::cvtepi8_epi32(x)
#define _mm512_cvtepu16_epi32(x) rustml::emulated::cvtepu16_epi32(x)
#define _mm512_cvtepi32_epi8(x) rustml::emulated::cvtepi32_epi8(x)
#define _mm512_reduce_add_epi32(x) rustml::emulated::reduce_add_epi32(x)
#define _mm512_reduce_max_epi32(x) rustml::emulated::reduce_max_epi32(x)
#define _mm256_dpbusd_avx_epi32(sum, a, b) simde_mm256_dpbusd_epi32(sum, a, b)
