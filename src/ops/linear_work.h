// A linear operation as work for the members of a step: units are divided, pieces of them done, the last quarter claimed. A unit is a
// pair of panels for a tile of tokens, tile after tile, so that a small matrix too has units for all.
#pragma once
#include <algorithm>

#include "ops/context.h"

namespace rustml::ops {

constexpr int64_t kPanelPair = 2;  // kernels work on two panels at a time

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

class LinearDivision {
 public:
  LinearDivision(const runtime::Member& member, const LinearWork& work, bool tiled);
  // body(piece) for each piece of this member's part. False: stopped.
  template <class Body>
  bool run(runtime::Member& member, Body body) const {
    int64_t claimed = claim(member);
    const runtime::Range own = runtime::share(divided_pairs_ * tiles_, member.rank(), member.size());
    if (!run_units(member, own.begin, own.end, claimed, body)) return false;
    while (claimed >= 0) {
      const int64_t then = claim(member);
      if (!run_units(member, claimed, std::min(units(), claimed + claim_units_), then, body)) return false;
      claimed = then;
    }
    return true;
  }

 private:
  struct Unit {
    int64_t tile, pair, pairs_end;  // pairs up to there follow in the next units
  };
  int64_t units() const { return pairs_ * tiles_; }
  Unit locate(int64_t unit) const {
    if (unit < divided_pairs_ * tiles_) return {unit / divided_pairs_, unit % divided_pairs_, divided_pairs_};
    unit -= divided_pairs_ * tiles_;
    const int64_t rest = pairs_ - divided_pairs_;
    return {unit / rest, divided_pairs_ + unit % rest, pairs_};
  }
  // The first of some units that nobody else gets; -1: all are gone. Asked for ahead of the work before it, which fetches its first
  // weights.
  int64_t claim(runtime::Member& member) const;
  // Units [unit, end); `then` comes after them, or -1.
  template <class Body>
  bool run_units(runtime::Member& member, int64_t unit, int64_t end, int64_t then, Body& body) const;

  int64_t panels_, n_tokens_, pairs_, tiles_, tile_;  // tile_: tokens of a tile
  int64_t piece_units_;                               // at most, of one piece
  int64_t divided_pairs_;                             // of each tile; the rest is claimed
  int64_t claim_units_;
  bool from_end_;  // claims of this member
};

template <class Body>
bool LinearDivision::run_units(runtime::Member& member, int64_t unit, int64_t end, int64_t then, Body& body) const {
  while (unit < end) {
    if (!member.begin_piece()) return false;
    const auto [t, pair, pairs_end] = locate(unit);
    const int64_t n = std::min({piece_units_, end - unit, pairs_end - pair});
    unit += n;
    const int64_t after = unit < end ? unit : then;
    body(Piece{pair * kPanelPair, std::min(panels_, (pair + n) * kPanelPair), t * tile_, std::min(n_tokens_, (t + 1) * tile_),
               after < 0 ? -1 : locate(after).pair * kPanelPair});
  }
  return true;
}

// The tiles of few tokens lie in the caches of the members who made them: all asked for at once, they come while the first are worked on.
void fetch(const Context& c, const Activations& x, const LinearWork& work);
// A line about work that was begun at `start`. The time is the leader's, for its share; the others work on theirs meanwhile.
void trace(Context& c, const LinearWork& work, uint64_t start);

template <class Body>
void run(Context& c, const LinearWork& work, const Activations& x, Body body) {
  const uint64_t start = c.tracing() ? runtime::now_ns() : 0;
  fetch(c, x, work);
  if (LinearDivision(c.member, work, x.tiled).run(c.member, body) && start) trace(c, work, start);
}

// The piece of one matrix by its kernel. next: weights to fetch behind its last panel, or null.
inline void multiply(const Context& c, const Matrix& m, const Activations& x, const Piece& piece, float* out, int64_t out_stride,
                     bool accumulate, const std::byte* next) {
  c.kernels.linear[static_cast<int>(m.packed)](
      {m.data, m.rows, m.cols, x.q, x.d, x.sum, x.f, m.bias, out, out_stride, accumulate, c.scratch, next, x.tiled}, piece.panel_begin,
      piece.panel_end, piece.token_begin, piece.token_end);
}

}  // namespace rustml::ops
