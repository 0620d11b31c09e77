// Normalization of rows, before a linear operation or after it.
#pragma once
#include "ops/context.h"

namespace rustml::ops {

// RMSNorm (weight [cols]; Zhang and Sennrich 2019), or LayerNorm where there is a bias [cols] (Ba et al. 2016).
struct Norm {
  const float* weight = nullptr;  // null: there is no such norm
  const float* bias = nullptr;
  float eps = 0;
  void apply(const kernels::KernelTable& kernels, const float* x, int64_t cols, float* y) const {
    bias ? kernels.layer_norm(x, weight, bias, cols, eps, y) : kernels.rms_norm(x, weight, cols, eps, y);
  }
};

// Each row of x [n_tokens][cols] normalized, and quantized if `quantize`. For chunks it ends with a barrier.
Activations normalize(Context& c, const float* x, const Norm& norm, int64_t n_tokens, int64_t cols, bool quantize);
// x += norm(y), both [n_tokens][cols]; y is overwritten. Members divide the rows.
void add_normalized(Context& c, const Norm& norm, float* y, int64_t n_tokens, int64_t cols, float* x);

}  // namespace rustml::ops
