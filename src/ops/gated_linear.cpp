#include "ops/gated_linear.h"

#include "ops/linear_work.h"

namespace rustml::ops {

void gated_linear(Context& c, const Matrix& gate_weight, const Matrix* up_weight, Activation activation, const Activations& x,
                  int64_t n_tokens, float* gate, float* up, const std::byte* next) {
  const int64_t rows = gate_weight.rows;
  LinearWork work{gate_weight.label,         n_tokens,           rows, gate_weight.cols, gate_weight.panels(),
                  gate_weight.panel_bytes(), gate_weight.bytes()};
  if (up_weight) {
    work.label = "GateUp_proj";
    work.rows += up_weight->rows;
    work.panel_bytes += up_weight->panel_bytes();
    work.bytes += up_weight->bytes();
  }
  run(c, work, x, [&](const Piece& piece) {
    const std::byte* after = piece.next_panel < 0 ? next : gate_weight.data + piece.next_panel * gate_weight.panel_bytes();
    const std::byte* after_gate = up_weight ? up_weight->data + piece.panel_begin * up_weight->panel_bytes() : after;
    multiply(c, gate_weight, x, piece, gate, rows, false, after_gate);
    if (up_weight) multiply(c, *up_weight, x, piece, up, rows, false, after);
    const int64_t r0 = piece.panel_begin * kernels::kPanelRows, n = std::min(rows, piece.panel_end * kernels::kPanelRows) - r0;
    for (int64_t t = piece.token_begin; t < piece.token_end; ++t) {
      float* y = gate + t * rows + r0;
      activation(y, up_weight ? up + t * rows + r0 : nullptr, n, y);
    }
  });
}

}  // namespace rustml::ops
