// exp on 16 lanes: constants.h explains the method; the operations are those of scalar.cpp, one for one.
#pragma once
#include "kernels/constants.h"
#include "kernels/raw-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// NaN stays NaN, -inf gives 0, values above 88.7228 infinity.
RUSTML_INLINE F32x16 exp(F32x16 x) {
  x = smaller(set1(kExpHighest), x);
  x = larger(set1(kExpLowest), x);
  const F32x16 magic = set1(kRoundMagic);
  const F32x16 n = fma(x, set1(kLog2E), magic) - magic;
  const F32x16 r = fma(n, set1(-kLn2Low), fma(n, set1(-kLn2High), x));
  F32x16 p = fma(set1(kExpC6), r, set1(kExpC5));
  p = fma(p, r, set1(kExpC4));
  p = fma(p, r, set1(kExpC3));
  p = fma(p, r, set1(kExpC2));
  p = fma(p, r, set1(1.0f));
  p = fma(p, r, set1(1.0f));
  return scale_by_power(p, n);
}

RUSTML_INLINE F32x16 silu(F32x16 x) { return x / (set1(1.0f) + exp(negated(x))); }

RUSTML_INLINE F32x16 gelu_tanh(F32x16 x) { return x / (set1(1.0f) + exp(x * fma(x * x, set1(kGeluCubic), set1(kGeluLinear)))); }

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
