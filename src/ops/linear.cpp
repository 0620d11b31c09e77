#include "ops/linear.h"

#include "ops/linear_work.h"

namespace rustml::ops {

namespace {

int64_t panel_count(std::span<const Matrix> matrices) {
  int64_t panels = 0;
  for (const Matrix& m : matrices) panels += m.panels();
  return panels;
}

// Where a panel of these matrices lies, counted over all of them.
const std::byte* weights_at(std::span<const Matrix> matrices, int64_t panel) {
  for (const Matrix& m : matrices) {
    if (panel < m.panels()) return m.data + panel * m.panel_bytes();
    panel -= m.panels();
  }
  return nullptr;
}

}  // namespace

const std::byte* first_weights(const Context& c, std::span<const Matrix> matrices) {
  return weights_at(matrices, first_panels(c.member, panel_count(matrices)).begin);
}

void linear(Context& c, std::span<const Matrix> matrices, const Activations& x, int64_t n_tokens, float* out, int64_t out_stride,
            bool accumulate, const std::byte* next) {
  LinearWork work{matrices.size() == 1 ? matrices[0].label : "QKV_proj", n_tokens, 0, matrices[0].cols, 0, 0, 0};
  for (const Matrix& m : matrices) {
    work.rows += m.rows;
    work.panels += m.panels();
    work.panel_bytes = std::max(work.panel_bytes, m.panel_bytes());
    work.bytes += m.bytes();
  }
  run(c, work, x, [&](const Piece& piece) {
    const std::byte* after_piece = piece.next_panel < 0 ? next : weights_at(matrices, piece.next_panel);
    int64_t first = 0, column = 0;  // of this matrix
    for (const Matrix& m : matrices) {
      const int64_t begin = std::max<int64_t>(0, piece.panel_begin - first), end = std::min(m.panels(), piece.panel_end - first);
      if (begin < end) {
        const std::byte* after = first + end < piece.panel_end ? weights_at(matrices, first + end) : after_piece;
        multiply(c, m, x, {begin, end, piece.token_begin, piece.token_end, -1}, out + column, out_stride, accumulate, after);
      }
      first += m.panels();
      column += m.rows;
    }
  });
}

void unpack_row(const Matrix& m, int64_t row, float* out) {
  kernels::unpack_row(m.packed, m.data + row / kernels::kPanelRows * m.panel_bytes(), row % kernels::kPanelRows, m.cols, out);
}

}  // namespace rustml::ops
