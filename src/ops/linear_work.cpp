#include "ops/linear_work.h"

#include <algorithm>
#include <cstdio>

#include "base/number_text.h"

namespace rustml::ops {

namespace {

constexpr int64_t kPieceBytes = 4 << 20;  // weights of one piece of work, for up to 16 tokens
constexpr int64_t kPieceTokens = 16;
constexpr int64_t kPanelPair = 2;   // kernels work on two panels at a time
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

// The tiles of few tokens lie in the caches of the members who made them: all asked for at once, they come while the first are worked on.
void fetch(const Context& c, const Activations& x, const LinearWork& work) {
  if (!x.tiled || own_tiles(c.member, work.n_tokens)) return;
  for (int64_t at = 0; at < tiled_tokens(work.n_tokens) * work.cols; at += 64) __builtin_prefetch(x.q + at);
}

// Who does what. A unit is a pair of panels for a tile of tokens, tile after tile, so that a small matrix too has units for all. Of each
// tile's pairs some are claimed; from both ends where members have tiles of their own, so that these come first.
class Division {
 public:
  Division(runtime::Member& member, const LinearWork& work, bool tiled)
      : member_(member),
        panels_(work.panels),
        n_tokens_(work.n_tokens),
        pairs_(pairs_of(work.panels)),
        divided_(divided_units(member, pairs_)) {
    const int64_t most = tiled ? std::clamp(kWideBytes / work.cols, kTokenTile, kWideTile) : kTokenTile, size = member.size();
    tiles_ = (n_tokens_ + most - 1) / most;
    if (own_tiles(member, n_tokens_)) tiles_ = (tiles_ + size - 1) / size * size;
    tile_ = (n_tokens_ + kTileStep * tiles_ - 1) / (kTileStep * tiles_) * kTileStep;  // of almost one size
    const int64_t piece_bytes = kPieceBytes * kPieceTokens / std::clamp(n_tokens_, kPieceTokens, tile_);
    piece_ = std::max<int64_t>(1, piece_bytes / work.panel_bytes / kPanelPair);
    claimed_ = (pairs_ - divided_) * tiles_;
    claim_ = std::max(claimed_ / (kClaimsEach * size), kClaimBytes / (kPanelPair * work.panel_bytes * std::min(n_tokens_, tile_)) + 1);
    from_end_ = own_tiles(member, n_tokens_) && 2 * member.rank() >= size;
  }

  // False: stopped.
  template <class Body>
  bool run(Body body) {
    const runtime::Range mine = runtime::share(divided_ * tiles_, member_.rank(), member_.size());
    int64_t unit = claim();
    if (!run_units(mine.begin, mine.end, unit, body)) return false;
    while (unit >= 0) {
      const int64_t then = claim();
      if (!run_units(unit, std::min(pairs_ * tiles_, unit + claim_), then, body)) return false;
      unit = then;
    }
    return true;
  }

 private:
  struct Unit {
    int64_t tile, pair, pairs_end;  // pairs up to there follow in the next units
  };
  Unit locate(int64_t unit) const {
    if (unit < divided_ * tiles_) return {unit / divided_, unit % divided_, divided_};
    unit -= divided_ * tiles_;
    return {unit / (pairs_ - divided_), divided_ + unit % (pairs_ - divided_), pairs_};
  }
  // The first of some units that nobody else gets, or -1; ahead of the work before it, which fetches its first weights.
  int64_t claim() {
    const int64_t claims = (claimed_ + claim_ - 1) / claim_, i = claimed_ == 0 ? 0 : member_.claim(claims, from_end_);
    return i < claims ? pairs_ * tiles_ - claimed_ + i * claim_ : -1;
  }
  template <class Body>
  bool run_units(int64_t unit, int64_t end, int64_t then, Body& body) {
    while (unit < end) {
      if (!member_.begin_piece()) return false;
      const auto [t, pair, pairs_end] = locate(unit);
      const int64_t n = std::min({piece_, end - unit, pairs_end - pair});
      unit += n;
      const int64_t after = unit < end ? unit : then;
      body(Piece{pair * kPanelPair, std::min(panels_, (pair + n) * kPanelPair), t * tile_, std::min(n_tokens_, (t + 1) * tile_),
                 after < 0 ? -1 : locate(after).pair * kPanelPair});
    }
    return true;
  }

  runtime::Member& member_;
  const int64_t panels_, n_tokens_, pairs_, divided_;  // divided_: of a tile's pairs; the rest is claimed
  int64_t tiles_, tile_, piece_, claimed_, claim_;     // tile_ in tokens; the last three in units: the largest piece, all claims, one
  bool from_end_;
};

// The time is the leader's, for its share; the others work on theirs meanwhile.
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

}  // namespace

runtime::Range first_panels(const runtime::Member& member, int64_t panels) {
  const runtime::Range pairs = runtime::share(divided_units(member, pairs_of(panels)), member.rank(), member.size());
  return {pairs.begin * kPanelPair, std::min(panels, pairs.end * kPanelPair)};
}

void run_pieces(Context& c, const LinearWork& work, const Activations& x, void (*call)(void* body, const Piece&), void* body) {
  const uint64_t start = c.tracing() ? runtime::now_ns() : 0;
  fetch(c, x, work);
  if (Division(c.member, work, x.tiled).run([&](const Piece& piece) { call(body, piece); }) && start) trace(c, work, start);
}

}  // namespace rustml::ops
