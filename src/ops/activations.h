// What linear operations read: rows of floats, and the same quantized per 32 values where a block-type matrix wants them.
#pragma once
#include "ops/context.h"

namespace rustml::ops {

// The rows of x [n_tokens][cols] as they are, quantized if `quantize`; x is not copied. For chunks it ends with a barrier if so.
Activations quantize(Context& c, const float* x, int64_t n_tokens, int64_t cols, bool quantize);

// Row t of `to`, of x [cols].
void quantize_row(const Context& c, const float* x, int64_t cols, const Activations& to, int64_t t);

// Rows of a chunk: row(to, t) for this member's share of them, then all meet. A single row: every member for itself.
template <class Row>
Activations prepare_rows(Context& c, int64_t n_tokens, Row row) {
  if (n_tokens == 1) {
    row(c.single_row, 0);
    return c.single_row;
  }
  Activations to = c.chunk_rows;
  to.tiled = c.kernels.quantize_q8_tiled != nullptr && n_tokens >= kernels::kActivationTile;
  const runtime::Range tokens = runtime::share(n_tokens, c.member.rank(), c.member.size());
  for (int64_t t = tokens.begin; t < tokens.end; ++t) row(to, t);
  c.member.sync();
  return to;
}

}  // namespace rustml::ops
