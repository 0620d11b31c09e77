#include "ops/linear.h"

#include <algorithm>
#include <cstdio>

#include "base/number_text.h"

namespace rustml::ops {

namespace {

constexpr int64_t kPieceBytes = 4 << 20;  // weights of one piece of work, for up to 16 tokens
constexpr int64_t kPieceTokens = 16;
constexpr int64_t kTokenTile = 64;  // quantized activations of a tile stay in L2 (64 x 1536 bytes = 96 kB)
// Of those in tiles, up to so many tokens and bytes: processors with AMX have 2 MB of L2, and expand weights once a tile.
constexpr int64_t kWideTile = 256, kWideBytes = 1 << 20;
constexpr int64_t kTileStep = 16;  // of the sizes of tiles, as kernels divide them further
constexpr int64_t kPanelPair = 2;  // kernels work on two panels at a time
// Of an operation's units the last quarter goes to whoever comes first, so that a core that was late holds nobody up; in about so many
// claims for each member, of so many bytes of weights at least, times tokens.
constexpr int64_t kClaimedPart = 4, kClaimsEach = 8, kClaimBytes = 32 << 10;

kernels::LinearArgs arguments(const Context& c, const Matrix& m, const Activations& x, float* out, int64_t out_stride, bool accumulate,
                              const std::byte* next) {
  return {m.data, m.rows, m.cols, x.q, x.d, x.sum, x.f, m.bias, out, out_stride, accumulate, c.scratch, next, x.tiled};
}

// Of `units`, those that are divided beforehand.
int64_t divided_units(const Context& c, int64_t units) { return c.member.size() == 1 ? units : units - units / kClaimedPart; }

// A single token: the panels that this member works on first.
runtime::Range own_panels(const Context& c, int64_t panels) {
  const int64_t all = (panels + kPanelPair - 1) / kPanelPair;
  const runtime::Range pairs = runtime::share(divided_units(c, all), c.member.rank(), c.member.size());
  return {pairs.begin * kPanelPair, std::min(panels, pairs.end * kPanelPair)};
}

int64_t token_tile(const Activations& x, int64_t cols) {
  return x.tiled ? std::clamp(kWideBytes / cols, kTokenTile, kWideTile) : kTokenTile;
}

// Whether the prompt is so long that every member has tiles of its own, of the tokens whose rows it prepares too (`prepare`): they stay
// in its caches. A prompt of 512 takes 0.96 of the time so.
bool own_tiles(const Context& c, int64_t n_tokens) { return n_tokens >= kTokenTile * c.member.size(); }

// This member's part of `panels` x `n_tokens`, in pieces: body(panel_begin, panel_end, token_begin, token_end, the panel after that or
// -1). A unit is a pair of panels for a tile of tokens, tile after tile, so that a small matrix too has units for all. Of each
// tile's pairs some are claimed; from both ends where members have tiles of their own, so that these come first. False: stopped.
template <class Body>
bool divide(Context& c, int64_t panels, int64_t panel_bytes, const Activations& x, int64_t cols, int64_t n_tokens, Body body) {
  const int64_t pairs = (panels + kPanelPair - 1) / kPanelPair, most = token_tile(x, cols), size = c.member.size();
  int64_t tiles = (n_tokens + most - 1) / most;
  if (own_tiles(c, n_tokens)) tiles = (tiles + size - 1) / size * size;
  const int64_t tile = (n_tokens + kTileStep * tiles - 1) / (kTileStep * tiles) * kTileStep;  // of almost one size
  const int64_t bytes = kPieceBytes * kPieceTokens / std::clamp(n_tokens, kPieceTokens, tile);
  const int64_t largest = std::max<int64_t>(1, bytes / panel_bytes / kPanelPair);  // piece, in units
  const int64_t divided = divided_units(c, pairs);                                 // of a tile's pairs; the rest is claimed
  struct Unit {
    int64_t tile, pair, pairs_end;  // pairs up to there follow in the next units
  };
  const auto locate = [&](int64_t unit) -> Unit {
    if (unit < divided * tiles) return {unit / divided, unit % divided, divided};
    unit -= divided * tiles;
    return {unit / (pairs - divided), divided + unit % (pairs - divided), pairs};
  };
  const auto work = [&](int64_t unit, int64_t end, int64_t then) {
    while (unit < end) {
      if (!c.member.begin_piece()) return false;
      const auto [t, pair, pairs_end] = locate(unit);
      const int64_t n = std::min({largest, end - unit, pairs_end - pair});
      unit += n;
      const int64_t after = unit < end ? unit : then;
      body(pair * kPanelPair, std::min(panels, (pair + n) * kPanelPair), t * tile, std::min(n_tokens, (t + 1) * tile),
           after < 0 ? -1 : locate(after).pair * kPanelPair);
    }
    return true;
  };
  const int64_t units = pairs * tiles, claimed = units - divided * tiles;
  const int64_t each = std::max(claimed / (kClaimsEach * size), kClaimBytes / (kPanelPair * panel_bytes * std::min(n_tokens, tile)) + 1);
  const bool from_end = own_tiles(c, n_tokens) && 2 * c.member.rank() >= size;
  const auto claim = [&]() -> int64_t {  // ahead of the work before it, which fetches its first weights
    const int64_t claims = (claimed + each - 1) / each, i = claimed == 0 ? 0 : c.member.claim(claims, from_end);
    return i < claims ? units - claimed + i * each : -1;
  };
  const runtime::Range own = runtime::share(divided * tiles, c.member.rank(), size);
  int64_t unit = claim();
  if (!work(own.begin, own.end, unit)) return false;
  while (unit >= 0) {
    const int64_t then = claim();
    if (!work(unit, std::min(units, unit + each), then)) return false;
    unit = then;
  }
  return true;
}

int64_t panel_count(std::span<const Matrix> parts) {
  int64_t panels = 0;
  for (const Matrix& m : parts) panels += m.panels();
  return panels;
}

// Where a panel of these matrices lies, counted over all of them.
const std::byte* weights_at(std::span<const Matrix> parts, int64_t panel) {
  for (const Matrix& m : parts) {
    if (panel < m.panels()) return m.data + panel * m.panel_bytes();
    panel -= m.panels();
  }
  return nullptr;
}

// `bytes`: of the packed weights. The time is the leader's, for its share of them; the others work on theirs meanwhile.
void trace(Context& c, const char* label, int64_t n_tokens, int64_t cols, int64_t rows, int64_t bytes, uint64_t start) {
  const uint64_t end = runtime::now_ns(), ns = end - start;
  char line[160];
  std::snprintf(line, sizeof line, "[TRACE] matmul %s [%lld,%lld]x[%lld,%lld] %sms (%s GB/s)", label, static_cast<long long>(n_tokens),
                static_cast<long long>(cols), static_cast<long long>(cols), static_cast<long long>(rows),
                base::fixed(static_cast<double>(ns) * 1e-6, 2).c_str(),
                base::fixed(ns ? static_cast<double>(bytes) / static_cast<double>(ns) : 0.0, 1).c_str());
  c.profile.add(base::LogLevel::trace, "rustml::matmul", line);
  c.profile.span(label, start, end, static_cast<uint64_t>(bytes), static_cast<uint64_t>(2 * n_tokens * rows * cols));
}

// Rows of a chunk: each member prepares its share, then all meet. A single row: every member for itself.
template <class Prepare>
Activations prepare(Context& c, int64_t n_tokens, Prepare row) {
  if (n_tokens == 1) {
    row(c.private_, 0);
    return c.private_;
  }
  Activations to = c.shared;
  to.tiled = c.kernels.quantize_q8_tiled != nullptr && n_tokens >= kernels::kActivationTile;
  const runtime::Range tokens = runtime::share(n_tokens, c.member.rank(), c.member.size());
  for (int64_t t = tokens.begin; t < tokens.end; ++t) row(to, t);
  c.member.sync();
  return to;
}

// The tiles of few tokens lie in the caches of the members who made them: all asked for at once, they come while the first are worked on.
void fetch(const Context& c, const Activations& x, int64_t n_tokens, int64_t cols) {
  if (!x.tiled || own_tiles(c, n_tokens)) return;
  for (int64_t at = 0; at < tiled_tokens(n_tokens) * cols; at += 64) __builtin_prefetch(x.q + at);
}

void quantize_row(const Context& c, const float* x, int64_t cols, const Activations& to, int64_t t) {
  const int64_t blocks = cols / kernels::kQBlock;
  if (to.tiled) return c.kernels.quantize_q8_tiled(x, cols, t, to.q, to.d, to.sum);
  c.kernels.quantize_q8(x, cols, to.q + t * cols, to.d + t * blocks, to.sum + t * blocks);
}

}  // namespace

Activations normalize(Context& c, const float* x, const Norm& norm, int64_t n_tokens, int64_t cols, bool quantize) {
  return prepare(c, n_tokens, [&](const Activations& to, int64_t t) {
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

Activations quantize(Context& c, const float* x, int64_t n_tokens, int64_t cols, bool quantize) {
  if (!quantize) return {const_cast<float*>(x), nullptr, nullptr, nullptr, false};  // read only by linear
  Activations a = prepare(c, n_tokens, [&](const Activations& to, int64_t t) { quantize_row(c, x + t * cols, cols, to, t); });
  a.f = const_cast<float*>(x);
  return a;
}

const std::byte* first_weights(const Context& c, std::span<const Matrix> parts) {
  return weights_at(parts, own_panels(c, panel_count(parts)).begin);
}

void linear(Context& c, std::span<const Matrix> parts, const Activations& x, int64_t n_tokens, float* out, int64_t out_stride,
            bool accumulate, const std::byte* next) {
  const uint64_t start = c.tracing() ? runtime::now_ns() : 0;
  fetch(c, x, n_tokens, parts[0].cols);
  int64_t rows = 0, bytes = 0, panel_bytes = 0;
  for (const Matrix& m : parts) rows += m.rows, bytes += m.bytes(), panel_bytes = std::max(panel_bytes, m.panel_bytes());
  if (!divide(c, panel_count(parts), panel_bytes, x, parts[0].cols, n_tokens,
              [&](int64_t p0, int64_t p1, int64_t t0, int64_t t1, int64_t p2) {
                const std::byte* then = p2 < 0 ? next : weights_at(parts, p2);
                int64_t first = 0, column = 0;  // of this part
                for (const Matrix& m : parts) {
                  const int64_t begin = std::max<int64_t>(0, p0 - first), end = std::min(m.panels(), p1 - first);
                  if (begin < end) {
                    const std::byte* after = first + end < p1 ? weights_at(parts, first + end) : then;
                    c.kernels.linear[static_cast<int>(m.packed)](arguments(c, m, x, out + column, out_stride, accumulate, after), begin,
                                                                 end, t0, t1);
                  }
                  first += m.panels();
                  column += m.rows;
                }
              }))
    return;
  if (start) trace(c, parts.size() == 1 ? parts[0].label : "QKV_proj", n_tokens, parts[0].cols, rows, bytes, start);
}

void gate_up(Context& c, const Matrix& gate_weight, const Matrix* up_weight, Gated activation, const Activations& x, int64_t n_tokens,
             float* gate, float* up, const std::byte* next) {
  const uint64_t start = c.tracing() ? runtime::now_ns() : 0;
  fetch(c, x, n_tokens, gate_weight.cols);
  const int64_t rows = gate_weight.rows, panels = gate_weight.panels();
  const Matrix& second = up_weight ? *up_weight : gate_weight;
  const auto gate_kernel = c.kernels.linear[static_cast<int>(gate_weight.packed)],
             up_kernel = c.kernels.linear[static_cast<int>(second.packed)];
  const int64_t panel_bytes = gate_weight.panel_bytes() + (up_weight ? second.panel_bytes() : 0);
  if (!divide(c, panels, panel_bytes, x, gate_weight.cols, n_tokens, [&](int64_t p0, int64_t p1, int64_t t0, int64_t t1, int64_t p2) {
        const std::byte* after = p2 < 0 ? next : gate_weight.data + p2 * gate_weight.panel_bytes();
        const std::byte* after_gate = up_weight ? second.data + p0 * second.panel_bytes() : after;
        gate_kernel(arguments(c, gate_weight, x, gate, rows, false, after_gate), p0, p1, t0, t1);
        if (up_weight) up_kernel(arguments(c, second, x, up, rows, false, after), p0, p1, t0, t1);
        const int64_t r0 = p0 * kernels::kPanelRows, n = std::min(rows, p1 * kernels::kPanelRows) - r0;
        for (int64_t t = t0; t < t1; ++t) {
          float* y = gate + t * rows + r0;
          activation(y, up_weight ? up + t * rows + r0 : nullptr, n, y);
        }
      }))
    return;
  if (!start) return;
  trace(c, up_weight ? "GateUp_proj" : gate_weight.label, n_tokens, gate_weight.cols, up_weight ? 2 * rows : rows,
        gate_weight.bytes() + (up_weight ? second.bytes() : 0), start);
}

void unpack_row(const Matrix& m, int64_t row, float* out) {
  kernels::unpack_row(m.packed, m.data + row / kernels::kPanelRows * m.panel_bytes(), row % kernels::kPanelRows, m.cols, out);
}

}  // namespace rustml::ops
