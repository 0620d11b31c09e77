// A linear operation as work for the members of a step, in pieces.
#pragma once
#include "ops/context.h"

namespace rustml::ops {

struct LinearWork {
  const char* label;  // for trace lines
  int64_t n_tokens, rows, cols;
  int64_t panels;       // to be divided
  int64_t panel_bytes;  // of weights that are read for each of them
  int64_t bytes;        // of weights in all
};

// Panels x tokens, and the panel that this member works on after them; -1: none.
struct Piece {
  int64_t panel_begin, panel_end, token_begin, token_end, next_panel;
};

// The panels of a single token that this member works on first.
runtime::Range first_panels(const runtime::Member& member, int64_t panels);

// call(body, piece) for each piece of this member's part of the work on x, until all are done or it is stopped.
void run_pieces(Context& c, const LinearWork& work, const Activations& x, void (*call)(void* body, const Piece&), void* body);
template <class Body>
void run(Context& c, const LinearWork& work, const Activations& x, Body body) {
  run_pieces(
      c, work, x, [](void* of_work, const Piece& piece) { (*static_cast<Body*>(of_work))(piece); }, &body);
}

// The piece of one matrix by its kernel. next: weights to fetch behind its last panel, or null.
inline void multiply(const Context& c, const Matrix& m, const Activations& x, const Piece& piece, float* out, int64_t out_stride,
                     bool accumulate, const std::byte* next) {
  c.kernels.linear[static_cast<int>(m.packed)](
      {m.data, m.rows, m.cols, x.q, x.d, x.sum, x.f, m.bias, out, out_stride, accumulate, c.scratch, next, x.tiled}, piece.panel_begin,
      piece.panel_end, piece.token_begin, piece.token_end);
}

}  // namespace rustml::ops
