#include "ops/norm.h"

#include "ops/activations.h"

namespace rustml::ops {

Activations normalize(Context& c, const float* x, const Norm& norm, int64_t n_tokens, int64_t cols, bool quantize) {
  return prepare_rows(c, n_tokens, [&](const Activations& to, int64_t t) {
    float* y = to.f + t * cols;
    norm.apply(c.kernels, x + t * cols, cols, y);
    if (quantize) quantize_row(c, y, cols, to, t);
  });
}

void add_normalized(Context& c, const Norm& norm, float* y, int64_t n_tokens, int64_t cols, float* x) {
  const runtime::Range tokens = runtime::share(n_tokens, c.member.rank(), c.member.size());
  for (int64_t t = tokens.begin; t < tokens.end; ++t) {
    norm.apply(c.kernels, y + t * cols, cols, y + t * cols);
    c.kernels.add(x + t * cols, y + t * cols, cols);
  }
}

}  // namespace rustml::ops
