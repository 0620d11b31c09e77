// The first half of a feed-forward network: a linear layer with an activation behind it, gated by a second one where there are two
// (Shazeer 2020).
#pragma once
#include "ops/context.h"

namespace rustml::ops {

using Activation = void (*)(const float* gate, const float* up, int64_t n, float* y);  // kernels' silu_mul or gelu_tanh_mul

// gate = activation(W_gate x) * (W_up x), both outputs [n_tokens][rows]. Without W_up (null): gate = activation(W_gate x).
// next: as of `linear`, which begins where this does for W_gate.
void gated_linear(Context& c, const Matrix& gate_weight, const Matrix* up_weight, Activation activation, const Activations& x,
                  int64_t n_tokens, float* gate, float* up, const std::byte* next = nullptr);

}  // namespace rustml::ops
