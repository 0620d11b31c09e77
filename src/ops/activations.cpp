#include "ops/activations.h"

namespace rustml::ops {

void quantize_row(const Context& c, const float* x, int64_t cols, const Activations& to, int64_t t) {
  const int64_t blocks = cols / kernels::kQBlock;
  if (to.tiled) return c.kernels.quantize_q8_tiled(x, cols, t, to.q, to.d, to.sum);
  c.kernels.quantize_q8(x, cols, to.q + t * cols, to.d + t * blocks, to.sum + t * blocks);
}

Activations quantize(Context& c, const float* x, int64_t n_tokens, int64_t cols, bool quantize) {
  if (!quantize) return {const_cast<float*>(x), nullptr, nullptr, nullptr, false};  // read only by linear operations
  Activations a = prepare_rows(c, n_tokens, [&](const Activations& to, int64_t t) { quantize_row(c, x + t * cols, cols, to, t); });
  a.f = const_cast<float*>(x);
  return a;
}

}  // namespace rustml::ops
