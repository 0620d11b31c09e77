// Linear layers over packed matrices: y[t][r] = sum over k of w[r][k] x[t][k] + bias[r].
#pragma once
#include <algorithm>
#include <span>

#include "ops/context.h"

namespace rustml::ops {

// RMSNorm (weight [cols]; Zhang and Sennrich 2019), or LayerNorm where there is a bias [cols] (Ba et al. 2016).
struct Norm {
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 0;
  void apply(const kernels::KernelTable& kernels, const float* x, int64_t cols, float* y) const {
    bias ? kernels.layer_norm(x, weight, bias, cols, eps, y) : kernels.rms_norm(x, weight, cols, eps, y);
  }
};
inline bool any_quantized(std::span<const Matrix> matrices) {
  return std::any_of(matrices.begin(), matrices.end(), [](const Matrix& m) { return m.quantized(); });
}
// Each row of x [n_tokens][cols] normalized, and quantized if `quantize`. For chunks it ends with a barrier.
Activations normalize(Context& c, const float* x, const Norm& norm, int64_t n_tokens, int64_t cols, bool quantize);
// x += norm(y), both [n_tokens][cols]; y is overwritten. Members divide the rows.
void add_normalized(Context& c, const Norm& norm, float* y, int64_t n_tokens, int64_t cols, float* x);
// The rows of x as they are, quantized if `quantize`; x is not copied.
Activations quantize(Context& c, const float* x, int64_t n_tokens, int64_t cols, bool quantize);

// The first weights of this member's share of these matrices: where `linear` of them begins.
const std::byte* first_weights(const Context& c, std::span<const Matrix> parts);
inline const std::byte* first_weights(const Context& c, const Matrix& m) { return first_weights(c, std::span(&m, 1)); }

// `next`: first_weights of the operation that follows, fetched while this one ends; null: none.
// Matrices of the same input (q, k, v) as one piece of work: outputs side by side in out rows of out_stride floats.
void linear(Context& c, std::span<const Matrix> parts, const Activations& x, int64_t n_tokens, float* out, int64_t out_stride,
            bool accumulate = false, const std::byte* next = nullptr);
inline void linear(Context& c, const Matrix& m, const Activations& x, int64_t n_tokens, float* out, int64_t out_stride,
                   bool accumulate = false, const std::byte* next = nullptr) {
  linear(c, std::span(&m, 1), x, n_tokens, out, out_stride, accumulate, next);
}
// gate = act(W_gate x) * (W_up x) by kernels' silu_mul or gelu_tanh_mul; both outputs [n_tokens][rows]. Without W_up (null):
// gate = act(W_gate x).
using Gated = void (*)(const float* gate, const float* up, int64_t n, float* y);
void gate_up(Context& c, const Matrix& gate_weight, const Matrix* up_weight, Gated activation, const Activations& x, int64_t n_tokens,
             float* gate, float* up, const std::byte* next = nullptr);

// Row `row` of a matrix as floats [cols]: a tied embedding read back from the head's panels.
void unpack_row(const Matrix& m, int64_t row, float* out);

}  // namespace rustml::ops
