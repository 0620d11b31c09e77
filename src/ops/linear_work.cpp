#include "ops/linear_work.h"

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
// Of an operation's units the last quarter goes to whoever comes first, so that a core that was late holds nobody up; in about so many
// claims for each member, of so many bytes of weights at least, times tokens.
constexpr int64_t kClaimedPart = 4, kClaimsEach = 8, kClaimBytes = 32 << 10;

int64_t pairs_of(int64_t panels) { return (panels + kPanelPair - 1) / kPanelPair; }

// Of `units`, those that are divided beforehand.
int64_t divided_units(const runtime::Member& member, int64_t units) { return member.size() == 1 ? units : units - units / kClaimedPart; }

// Whether the prompt is so long that every member has tiles of its own, of the tokens whose rows it prepares too (prepare_rows): they
// stay in its caches. A prompt of 512 takes 0.96 of the time so.
bool own_tiles(const runtime::Member& member, int64_t n_tokens) { return n_tokens >= kTokenTile * member.size(); }

}  // namespace

runtime::Range first_panels(const runtime::Member& member, int64_t panels) {
  const runtime::Range pairs = runtime::share(divided_units(member, pairs_of(panels)), member.rank(), member.size());
  return {pairs.begin * kPanelPair, std::min(panels, pairs.end * kPanelPair)};
}

LinearDivision::LinearDivision(const runtime::Member& member, const LinearWork& work, bool tiled)
    : panels_(work.panels), n_tokens_(work.n_tokens), pairs_(pairs_of(work.panels)) {
  const int64_t most = tiled ? std::clamp(kWideBytes / work.cols, kTokenTile, kWideTile) : kTokenTile, size = member.size();
  const bool own = own_tiles(member, n_tokens_);
  tiles_ = (n_tokens_ + most - 1) / most;
  if (own) tiles_ = (tiles_ + size - 1) / size * size;
  tile_ = (n_tokens_ + kTileStep * tiles_ - 1) / (kTileStep * tiles_) * kTileStep;  // of almost one size
  const int64_t piece_bytes = kPieceBytes * kPieceTokens / std::clamp(n_tokens_, kPieceTokens, tile_);
  piece_units_ = std::max<int64_t>(1, piece_bytes / work.panel_bytes / kPanelPair);
  divided_pairs_ = divided_units(member, pairs_);
  const int64_t claimed = (pairs_ - divided_pairs_) * tiles_;
  claim_units_ = std::max(claimed / (kClaimsEach * size), kClaimBytes / (kPanelPair * work.panel_bytes * std::min(n_tokens_, tile_)) + 1);
  // From both ends where members have tiles of their own, so that these come first.
  from_end_ = own && 2 * member.rank() >= size;
}

int64_t LinearDivision::claim(runtime::Member& member) const {
  const int64_t claimed = (pairs_ - divided_pairs_) * tiles_, claims = (claimed + claim_units_ - 1) / claim_units_;
  const int64_t i = claimed == 0 ? 0 : member.claim(claims, from_end_);
  return i < claims ? units() - claimed + i * claim_units_ : -1;
}

void fetch(const Context& c, const Activations& x, const LinearWork& work) {
  if (!x.tiled || own_tiles(c.member, work.n_tokens)) return;
  for (int64_t at = 0; at < tiled_tokens(work.n_tokens) * work.cols; at += 64) __builtin_prefetch(x.q + at);
}

void trace(Context& c, const LinearWork& w, uint64_t start) {
  const uint64_t end = runtime::now_ns(), ns = end - start;
  char line[160];
  std::snprintf(line, sizeof line, "[TRACE] matmul %s [%lld,%lld]x[%lld,%lld] %sms (%s GB/s)", w.label, static_cast<long long>(w.n_tokens),
                static_cast<long long>(w.cols), static_cast<long long>(w.cols), static_cast<long long>(w.rows),
                base::fixed(static_cast<double>(ns) * 1e-6, 2).c_str(),
                base::fixed(ns ? static_cast<double>(w.bytes) / static_cast<double>(ns) : 0.0, 1).c_str());
  c.profile.add(base::LogLevel::trace, "rustml::matmul", line);
  c.profile.span(w.label, start, end, static_cast<uint64_t>(w.bytes), static_cast<uint64_t>(2 * w.n_tokens * w.rows * w.cols));
}

}  // namespace rustml::ops
