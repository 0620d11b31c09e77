// Linear layers over packed matrices: y[t][r] = sum over k of w[r][k] x[t][k] + bias[r].
#pragma once
#include <algorithm>
#include <span>

#include "ops/context.h"

namespace rustml::ops {

inline bool any_quantized(std::span<const Matrix> matrices) {
  return std::any_of(matrices.begin(), matrices.end(), [](const Matrix& m) { return m.quantized(); });
}

// The first weights of this member's share of these matrices: where `linear` of them begins.
const std::byte* first_weights(const Context& c, std::span<const Matrix> matrices);

// Matrices of the same input (q, k, v) as one piece of work: outputs side by side in out rows of out_stride floats.
// next: first_weights of the operation that follows, fetched while this one ends; null: none.
void linear(Context& c, std::span<const Matrix> matrices, const Activations& x, int64_t n_tokens, float* out, int64_t out_stride,
            bool accumulate = false, const std::byte* next = nullptr);
inline void linear(Context& c, const Matrix& m, const Activations& x, int64_t n_tokens, float* out, int64_t out_stride,
                   bool accumulate = false, const std::byte* next = nullptr) {
  linear(c, std::span(&m, 1), x, n_tokens, out, out_stride, accumulate, next);
}

// Row `row` of a matrix as floats [cols]: a tied embedding read back from the head's panels.
void unpack_row(const Matrix& m, int64_t row, float* out);

}  // namespace rustml::ops
