// NEON with the dot product instruction (Armv8.2): sdot multiplies signed bytes and adds four products exactly.
#pragma once
#define RUSTML_TARGET neondot
#define RUSTML_DOT_INSTRUCTION
#include "kernels/raw_neon.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// Dot products of 16 rows x 4 k per step: stored weights (below 128: their sign does not matter), signed activations.
template <int bits>
struct DotOf {
  struct Weights {
    int8x16_t v[4];
  };
  struct Sum {
    int32x4_t v[4];
  };
  static RUSTML_INLINE Weights weights(const I8x64& stored) {
    Weights w;
    unroll<4>([&](auto i) RUSTML_LAMBDA {
      w.v[i.value] = vreinterpretq_s8_u8(bits == 8 ? veorq_u8(stored.v[i.value], vdupq_n_u8(0x80)) : stored.v[i.value]);
    });
    return w;
  }
  static RUSTML_INLINE Sum start(int32x4_t correction) {
    if constexpr (bits == 8) correction = vdupq_n_s32(0);  // the weights are signed
    return {{correction, correction, correction, correction}};
  }
  template <int nth>  // of a sub-block
  static RUSTML_INLINE void step(Sum& sum, const Weights& w, int8x16_t x) {
    unroll<4>([&](auto i) RUSTML_LAMBDA { sum.v[i.value] = vdotq_s32(sum.v[i.value], w.v[i.value], x); });
  }
  static RUSTML_INLINE F32x16 finish(const Sum& sum) {
    F32x16 r;
    unroll<4>([&](auto i) RUSTML_LAMBDA { r.v[i.value] = Batch(vcvtq_f32_s32(sum.v[i.value])); });
    return r;
  }
};

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
