// AVX-VNNI: AVX2 with a 256-bit vpdpbusd, which multiplies unsigned weights with signed activations exactly.
#pragma once
#define RUSTML_DOT_INSTRUCTION
#include "kernels/raw_avx2-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// Dot products of 16 rows x 4 k per step: stored (unsigned) weights, signed activations; the correction makes them exact.
struct Dot {
  using Weights = I8x64;
  using Sum = I8x64;  // 32-bit lanes
  static RUSTML_INLINE Weights weights(I8x64 stored) { return stored; }
  static RUSTML_INLINE Sum start(__m256i correction) { return {{correction, correction}}; }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, __m256i x) {
    unroll<2>([&](auto i) RUSTML_LAMBDA { sum.v[i.value] = _mm256_dpbusd_avx_epi32(sum.v[i.value], w.v[i.value], x); });
  }
  static RUSTML_INLINE F32x16 finish(Sum sum) { return raw(_mm256_cvtepi32_ps(sum.v[0]), _mm256_cvtepi32_ps(sum.v[1])); }
};
template <int bits>
using DotOf = Dot;

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
