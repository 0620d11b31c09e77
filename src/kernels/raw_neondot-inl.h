// NEON with the dot product instruction (Armv8.2): sdot multiplies signed bytes and adds four products exactly.
#pragma once
#define RUSTML_DOT_INSTRUCTION
#include "kernels/raw_neon-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// Dot products of 16 rows x 4 k per step: signed weights and activations.
template <int bits>
struct DotOf {
  using Weights = SignedBytes;
  struct Sum {
    int32x4_t v[4];
  };
  static RUSTML_INLINE Weights weights(const I8x64& stored) { return signed_bytes<bits>(stored); }
  static RUSTML_INLINE Sum start(int32x4_t correction) {
    if constexpr (bits == 8) correction = vdupq_n_s32(0);  // the weights are signed
    return {{correction, correction, correction, correction}};
  }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, int8x16_t x) {
    unroll<4>([&](auto i) RUSTML_LAMBDA { sum.v[i.value] = vdotq_s32(sum.v[i.value], w.v[i.value], x); });
  }
  static RUSTML_INLINE F32x16 finish(const Sum& sum) { return to_floats(sum.v); }
};

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
