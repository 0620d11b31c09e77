// Attention of one block of 128 positions (layouts in kernels.h), and the merge of blocks.
//
// As products of matrices: a tile of queries keeps its accumulators in registers. Scores: lanes are 16 positions of a K group.
// Values: lanes are 16 elements of the head; where the queries of a tile see different positions (causal mask, window), each is
// asked. A query's chain over its visible positions stays in ascending order throughout.
// Many queries: a part of K, then of V, is converted to floats once, and taken by one tile after the other while it lies in the
// nearest cache. Converting in each tile takes the ports that multiply (AVX-512: a cycle beside eight of products), and rows of V
// would fall on few sets of the cache.
// Few queries read K and V from memory, which is fetched one phase ahead: V while the scores are worked out, what the caller reads
// next while the values are; from several places in turn, because the processor follows each of them on its own. Many do without:
// counting costs them a twentieth to a tenth.
// K groups and V rows outside of what some query sees are not read: their memory may have been given back.
#pragma once
#include "kernels/exp-inl.h"
#include "kernels/kv_rows-inl.h"
#include "kernels/table-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// What is read in the next phase, fetched while the present one reads: some lines at a time, one of each part.
struct Fetch {
  static constexpr int kParts = 4;
  const std::byte* at = nullptr;
  int64_t part = 0, lines = 0, due = 0;  // bytes of a part; its lines still to fetch; bytes read since the last
  Fetch(const void* from, int64_t bytes) : at(static_cast<const std::byte*>(from)) {
    if (from != nullptr) lines = (bytes + kParts * kLineBytes - 1) / (kParts * kLineBytes);
    part = lines * kLineBytes;
  }
  // `bytes`, at most kParts lines, have been read.
  RUSTML_INLINE void step(int64_t bytes) {
    due += bytes;
    if (due < kParts * kLineBytes || lines == 0) return;
    due -= kParts * kLineBytes;
    unroll<kParts>([&](auto i) RUSTML_LAMBDA { __builtin_prefetch(address(at, i.value * part)); });
    at = address(at, kLineBytes);
    --lines;
  }
};

struct NoFetch {
  RUSTML_INLINE void step(int64_t) {}
};

using Weights = float[kAttendBlock];  // of one query: scores, then exp, then exp times V's scale
constexpr float kHidden = -1;         // weight of a position that the query does not see but others of its tile do

// Queries [j, j + n) whose accumulators fill the registers, and the positions of the block that they see.
struct Tile {
  int64_t j = 0, n = 0;
  int64_t begin = kAttendBlock, end = 0;          // seen by some of them; begin >= end: none
  int64_t all_begin = 0, all_end = kAttendBlock;  // seen by all of them, within [begin, end]
  Tile() = default;
  Tile(const AttendArgs& a, int64_t from, int64_t to) : j(from), n(to - from) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t first = a.first[i], last = a.last[i];
      if (first < last) {
        begin = first < begin ? first : begin;
        end = last > end ? last : end;
      }
      all_begin = first > all_begin ? first : all_begin;
      all_end = last < all_end ? last : all_end;
    }
    if (all_begin >= all_end) all_begin = all_end = end;
  }
  int64_t begin_group() const { return begin / kLanes; }
  int64_t end_group() const { return (end + kLanes - 1) / kLanes; }
};

// Vectors that a tile of Q queries takes at a time: few queries need several for enough chains.
template <int Q>
constexpr int kWide = Q > kAttendAccumulators / 2   ? 1
                      : Q > kAttendAccumulators / 4 ? 2
                                                    : 4;

// Elements [d, d + dims) of K's groups [group, end): [groups at stride][dims][16].
template <KvType type>
struct Keys {
  const Element<type>* at;
  int64_t stride, group, end, d, dims;
};

// Groups [group, group + G): scores, or, where d > 0, the rest of their chains.
template <KvType type, int Q, int G, class F>
RUSTML_INLINE void scores_at(const AttendArgs& a, const Tile& tile, const Keys<type>& keys, int64_t group, Weights* e, F& fetch) {
  const auto* k = keys.at + (group - keys.group) * keys.stride;
  const float* q[Q];
  F32x16 acc[Q][G];
  RUSTML_UNROLL for (int i = 0; i < Q; ++i) {
    q[i] = a.q[tile.j + i] + keys.d;
    RUSTML_UNROLL for (int g = 0; g < G; ++g) acc[i][g] = keys.d == 0 ? zero() : load(e[i] + (group + g) * kLanes);
  }
  for (int64_t d = 0; d < keys.dims; ++d) {
    fetch.step(G * kLanes * sizeof(Element<type>));
    F32x16 lanes[G];
    RUSTML_UNROLL for (int g = 0; g < G; ++g) lanes[g] = load_cached<type>(k + g * keys.stride + d * kLanes);
    RUSTML_UNROLL for (int i = 0; i < Q; ++i) {
      const F32x16 x = set1(q[i][d]);
      RUSTML_UNROLL for (int g = 0; g < G; ++g) acc[i][g] = fma(lanes[g], x, acc[i][g]);
    }
  }
  RUSTML_UNROLL for (int i = 0; i < Q; ++i) { RUSTML_UNROLL for (int g = 0; g < G; ++g) store(e[i] + (group + g) * kLanes, acc[i][g]); }
}

// Scores, without scale, of those groups that the tile sees.
template <KvType type, int Q, class F>
__attribute__((noinline)) void scores(const AttendArgs& a, const Tile& tile, const Keys<type>& keys, Weights* e, F& fetch) {
  int64_t group = keys.group > tile.begin_group() ? keys.group : tile.begin_group();
  const int64_t end = keys.end < tile.end_group() ? keys.end : tile.end_group();
  F f = fetch;  // its counters in registers
  constexpr int wide = kWide<Q>;
  if constexpr (wide > 1) {
    for (; group + wide <= end; group += wide) scores_at<type, Q, wide>(a, tile, keys, group, e, f);
  }
  for (; group < end; ++group) scores_at<type, Q, 1>(a, tile, keys, group, e, f);
  fetch = f;
}

// Groups [group, group + G): scores times K's scale, and what the offsets add.
template <int Q, int G>
RUSTML_INLINE void offset_at(const AttendArgs& a, const Tile& tile, int64_t group, Weights* e) {
  const ScoreOffsets& offsets = *a.offsets;
  const int64_t stride = offsets.n_rows * kLanes;
  const float *basis = offsets.basis + group * stride, *factors[Q];
  F32x16 s[Q][G];
  RUSTML_UNROLL for (int i = 0; i < Q; ++i) {
    factors[i] = offsets.factors[tile.j + i];
    RUSTML_UNROLL for (int g = 0; g < G; ++g) s[i][g] = load(e[i] + (group + g) * kLanes) * load(a.k_scale + (group + g) * kLanes);
  }
  for (int64_t n = 0; n < offsets.n; ++n) {
    F32x16 lanes[G];
    RUSTML_UNROLL for (int g = 0; g < G; ++g) lanes[g] = load(basis + g * stride + offsets.rows[n] * kLanes);
    RUSTML_UNROLL for (int i = 0; i < Q; ++i) {
      const F32x16 x = set1(factors[i][n]);
      RUSTML_UNROLL for (int g = 0; g < G; ++g) s[i][g] = fma(lanes[g], x, s[i][g]);
    }
  }
  RUSTML_UNROLL for (int i = 0; i < Q; ++i) { RUSTML_UNROLL for (int g = 0; g < G; ++g) store(e[i] + (group + g) * kLanes, s[i][g]); }
}

template <int Q>
__attribute__((noinline)) void add_offsets(const AttendArgs& a, const Tile& tile, Weights* e) {
  int64_t group = tile.begin_group();
  constexpr int wide = kWide<Q>;
  if constexpr (wide > 1) {
    for (; group + wide <= tile.end_group(); group += wide) offset_at<Q, wide>(a, tile, group, e);
  }
  for (; group < tile.end_group(); ++group) offset_at<Q, 1>(a, tile, group, e);
}

// x in lanes [from, to), `hidden` in the others.
RUSTML_INLINE F32x16 visible_lanes(F32x16 x, int64_t from, int64_t to, float hidden) {
  constexpr float numbers[kLanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const F32x16 lane = load(numbers), other = set1(hidden);
  return where_less(lane, set1(static_cast<float>(from)), other, where_less(lane, set1(static_cast<float>(to)), x, other));
}

// Scores -> weights; sets m and l. All maxima first: a query's exponentials wait for its own.
template <KvType type>
__attribute__((noinline)) void softmax(const AttendArgs& a, const Tile& tile, Weights* e) {
  // f(position, lanes of these 16 that query j sees: from, to; whether all) for the groups that it sees.
  const auto each_group = [&](int64_t j, auto f) RUSTML_LAMBDA {
    const int64_t first = a.first[j], last = a.last[j];
    for (int64_t p = first < last ? first / kLanes * kLanes : last; p < last; p += kLanes)
      f(p, first - p, last - p, p >= first && p + kLanes <= last);
  };
  for (int64_t i = 0; i < tile.n; ++i) {
    F32x16 largest = set1(-__builtin_inff());
    each_group(tile.j + i, [&](int64_t p, int64_t from, int64_t to, bool whole) RUSTML_LAMBDA {
      F32x16 s = load(e[i] + p);
      if constexpr (type == KvType::q8_0) {
        if (a.offsets == nullptr) {  // add_offsets has done it
          s = s * load(a.k_scale + p);
          store(e[i] + p, s);
        }
      }
      largest = larger(whole ? s : visible_lanes(s, from, to, -__builtin_inff()), largest);
    });
    a.m[tile.j + i] = max_lane(largest) + 0.0f;  // never -0
  }
  for (int64_t i = 0; i < tile.n; ++i) {
    const F32x16 m = set1(a.m[tile.j + i]);
    F32x16 sum = zero();
    each_group(tile.j + i, [&](int64_t p, int64_t from, int64_t to, bool whole) RUSTML_LAMBDA {
      F32x16 x = load(e[i] + p) - m;
      if (!whole) x = visible_lanes(x, from, to, 0);  // not exp(-inf): where a result underflows, processors take 100 ns
      x = exp(x);
      if (!whole) x = visible_lanes(x, from, to, 0);
      sum = sum + x;
      if constexpr (type == KvType::q8_0) x = x * load(a.v_scale + p);
      store(e[i] + p, x);
    });
    a.l[tile.j + i] = sum_lanes(sum);
    for (int64_t p = tile.begin; p < a.first[tile.j + i]; ++p) e[i][p] = kHidden;
    for (int64_t p = a.last[tile.j + i]; p < tile.end; ++p) e[i][p] = kHidden;
  }
}

// Elements [d, d + n) of V's rows, which lie `stride` apart, at position 0.
template <KvType type>
struct Values {
  const Element<type>* at;
  int64_t stride, d, n;
};

// Elements [c, c + 16 D) of `values`, of which n exist: o = weights * V. kRest: fewer than 16 may be read, n of a single vector.
template <KvType type, int Q, int D, bool kRest, class F>
RUSTML_INLINE void values_at(const AttendArgs& a, const Tile& tile, const Values<type>& values, const Weights* e, int64_t c, int64_t n,
                             F& fetch) {
  F32x16 o[Q][D];
  RUSTML_UNROLL for (int i = 0; i < Q; ++i) { RUSTML_UNROLL for (int c = 0; c < D; ++c) o[i][c] = zero(); }
  const auto* v = values.at + c;
  int64_t p = tile.begin;
  const auto step = [&](auto everyone) RUSTML_LAMBDA {
    fetch.step(D * kLanes * sizeof(Element<type>));
    F32x16 row[D];
    RUSTML_UNROLL for (int c = 0; c < D; ++c) {
      const auto* at = v + p * values.stride + c * kLanes;
      row[c] = kRest ? load_cached_first<type>(at, n) : load_cached<type>(at);
    }
    RUSTML_UNROLL for (int i = 0; i < Q; ++i) {
      const float weight = e[i][p];
      if (!everyone.value && weight < 0) continue;
      const F32x16 factor = set1(weight);
      RUSTML_UNROLL for (int c = 0; c < D; ++c) o[i][c] = fma(factor, row[c], o[i][c]);
    }
  };
  if constexpr (Q > 1) {
    for (; p < tile.all_begin; ++p) step(Index<0>{});
  }
  for (; p < tile.all_end; ++p) step(Index<1>{});
  if constexpr (Q > 1) {
    for (; p < tile.end; ++p) step(Index<0>{});
  }
  RUSTML_UNROLL for (int i = 0; i < Q; ++i) {
    float* out = a.o[tile.j + i] + values.d + c;
    RUSTML_UNROLL for (int c = 0; c < D; ++c) store_first(out + c * kLanes, o[i][c], lanes_at(c * kLanes, n));
  }
}

// The last n < 16 elements, at d, one query at a time: heads of such sizes are rare.
template <KvType type>
__attribute__((noinline)) void values_rest(const AttendArgs& a, const Tile& tile, const Values<type>& values, const Weights* e, int64_t c) {
  NoFetch fetch;
  for (int64_t i = 0; i < tile.n; ++i)
    values_at<type, 1, 1, true>(a, Tile(a, tile.j + i, tile.j + i + 1), values, e + i, c, values.n - c, fetch);
}

// kPadded: whole vectors may be read.
template <KvType type, int Q, bool kPadded, class F>
__attribute__((noinline)) void weigh(const AttendArgs& a, const Tile& tile, const Values<type>& values, const Weights* e, F& fetch) {
  F f = fetch;
  int64_t c = 0;
  constexpr int wide = kWide<Q>;
  if constexpr (wide > 1) {
    for (; c + wide * kLanes <= values.n; c += wide * kLanes) values_at<type, Q, wide, false>(a, tile, values, e, c, wide * kLanes, f);
  }
  for (; c + (kPadded ? 1 : kLanes) <= values.n; c += kLanes)
    values_at<type, Q, 1, false>(a, tile, values, e, c, kPadded ? lanes_at(c, values.n) : int64_t{kLanes}, f);
  fetch = f;
  if constexpr (!kPadded) {
    if (c < values.n) values_rest<type>(a, tile, values, e, c);
  }
}

// f(Index<n>), least <= n <= most.
template <int least, int most, class F>
RUSTML_INLINE void with_width(int64_t n, F f) {
  if (n == most) return f(Index<most>{});
  if constexpr (most > least) with_width<least, most - 1>(n, f);
}

// Up to kAttendQueries queries [begin, end), a single tile, which reads K and V where they lie.
template <KvType type>
void attend_few(const AttendArgs& a, int64_t begin, int64_t end) {
  alignas(64) Weights e[kAttendQueries];
  const Tile tile(a, begin, end);
  const auto *k = static_cast<const Element<type>*>(a.k), *v = static_cast<const Element<type>*>(a.v);
  const int64_t dim = a.head_dim, group = tile.begin_group();
  const int64_t bytes = tile.begin < tile.end ? (tile.end - tile.begin) * dim * static_cast<int64_t>(sizeof(Element<type>)) : 0;
  Fetch rows(v + tile.begin * dim, bytes), next(a.next, bytes);
  with_width<1, kAttendQueries>(tile.n, [&](auto q) RUSTML_LAMBDA {
    scores<type, q.value>(a, tile, Keys<type>{k + group * dim * kLanes, dim * kLanes, group, tile.end_group(), 0, dim}, e, rows);
    if constexpr (type == KvType::q8_0) {
      if (a.offsets != nullptr) add_offsets<q.value>(a, tile, e);
    }
    softmax<type>(a, tile, e);
    weigh<type, q.value, false>(a, tile, Values<type>{v, dim, 0, dim}, e, next);
  });
}

// Queries divided into n_parts of about the same size: f(begin, end).
template <class F>
RUSTML_INLINE void divide(int64_t n_queries, int64_t n_parts, F f) {
  for (int64_t i = 0; i < n_parts; ++i) f(n_queries * i / n_parts, n_queries * (i + 1) / n_parts);
}

constexpr int64_t tiles_of(int64_t n_queries) { return (n_queries + kAttendQueries - 1) / kAttendQueries; }

// A part of K or V as floats, which all tiles take while it lies in the nearest cache: read and converted once.
constexpr int64_t kPartWidth = 2 * kLanes, kPartDepth = 128;
using Part = float[kPartWidth * kPartDepth];
static_assert(kPartDepth >= kAttendBlock);

// Elements [d, d + dims) of groups [group, end).
template <KvType type>
Keys<KvType::f32> convert_keys(const AttendArgs& a, int64_t group, int64_t end, int64_t d, int64_t dims, Part& part) {
  for (int64_t g = group; g < end; ++g) {
    const auto* k = static_cast<const Element<type>*>(a.k) + (g * a.head_dim + d) * kLanes;
    float* to = part + (g - group) * dims * kLanes;
    for (int64_t i = 0; i < dims * kLanes; i += kLanes) store(to + i, load_cached<type>(k + i));
  }
  return {part, dims * kLanes, group, end, d, dims};
}

// Elements [d, d + n) of rows [begin, end); zeros behind them.
template <KvType type>
Values<KvType::f32> convert_values(const AttendArgs& a, int64_t begin, int64_t end, int64_t d, int64_t n, Part& part) {
  for (int64_t p = begin; p < end; ++p) {
    const auto* v = static_cast<const Element<type>*>(a.v) + p * a.head_dim + d;
    float* to = part + p * kPartWidth;
    int64_t c = 0;
    for (; c + kLanes <= n; c += kLanes) store(to + c, load_cached<type>(v + c));
    if (c < n) store(to + c, load_cached_first<type>(v + c, n - c));
  }
  return {part, kPartWidth, d, n};
}

constexpr int64_t kBatch = 24;  // queries whose weights are kept: four tiles of six, three of eight

struct ManyScratch {
  alignas(64) Weights e[kBatch];
  alignas(64) Part part;
};
static_assert(sizeof(ManyScratch) <= kScratchBytes);

// More than one tile's queries, [begin, end), at most kBatch.
template <KvType type>
void attend_many(const AttendArgs& a, int64_t begin, int64_t end) {
  ManyScratch& scratch = *reinterpret_cast<ManyScratch*>(a.scratch);
  Tile tiles[tiles_of(kBatch)];
  const Tile all(a, begin, end);
  int64_t n_tiles = 0;
  divide(all.n, tiles_of(all.n), [&](int64_t from, int64_t to) RUSTML_LAMBDA { tiles[n_tiles++] = Tile(a, begin + from, begin + to); });
  const auto each_tile = [&](auto f) RUSTML_LAMBDA {
    for (int64_t t = 0; t < n_tiles; ++t) {
      Weights* w = scratch.e + (tiles[t].j - begin);
      with_width<(kAttendQueries + 1) / 2, kAttendQueries>(tiles[t].n, [&](auto q) RUSTML_LAMBDA { f(q, tiles[t], w); });
    }
  };
  NoFetch none;
  constexpr int64_t groups = kPartWidth / kLanes;
  for (int64_t group = all.begin_group(); group < all.end_group(); group += groups) {
    const int64_t end_group = group + groups < all.end_group() ? group + groups : all.end_group();
    for (int64_t d = 0; d < a.head_dim; d += kPartDepth) {
      const int64_t dims = a.head_dim - d < kPartDepth ? a.head_dim - d : kPartDepth;
      const auto keys = convert_keys<type>(a, group, end_group, d, dims, scratch.part);
      each_tile([&](auto q, const Tile& tile, Weights* w) RUSTML_LAMBDA { scores<KvType::f32, q.value>(a, tile, keys, w, none); });
    }
  }
  if constexpr (type == KvType::q8_0) {
    if (a.offsets != nullptr) each_tile([&](auto q, const Tile& tile, Weights* w) RUSTML_LAMBDA { add_offsets<q.value>(a, tile, w); });
  }
  for (int64_t t = 0; t < n_tiles; ++t) softmax<type>(a, tiles[t], scratch.e + (tiles[t].j - begin));
  for (int64_t d = 0; d < a.head_dim; d += kPartWidth) {
    const int64_t n = a.head_dim - d < kPartWidth ? a.head_dim - d : kPartWidth;
    const auto values = convert_values<type>(a, all.begin, all.end, d, n, scratch.part);
    each_tile([&](auto q, const Tile& tile, Weights* w) RUSTML_LAMBDA { weigh<KvType::f32, q.value, true>(a, tile, values, w, none); });
  }
}

template <KvType type>
void attend_as(const AttendArgs& a) {
  const int64_t n = a.n_queries;
  if (n <= kAttendDirect) {
    divide(n, tiles_of(n), [&](int64_t begin, int64_t end) RUSTML_LAMBDA { attend_few<type>(a, begin, end); });
  } else {
    divide(n, (n + kBatch - 1) / kBatch, [&](int64_t begin, int64_t end) RUSTML_LAMBDA { attend_many<type>(a, begin, end); });
  }
}

}  // namespace

void attend(const AttendArgs& a) {
  if (a.type == KvType::f32) return attend_as<KvType::f32>(a);
  if (a.type == KvType::f16) return attend_as<KvType::f16>(a);
  attend_as<KvType::q8_0>(a);
}

void attend_merge(const float* m, const float* l, const float* o, int64_t o_stride, int64_t n_blocks, int64_t head_dim, float* y) {
  const float infinity = __builtin_inff();
  float largest = -infinity;
  for (int64_t i = 0; i < n_blocks; ++i) largest = m[i] > largest ? m[i] : largest;
  F32x16 total = zero();  // alike in all lanes, as factors are
  for (int64_t begin = 0; begin < n_blocks; begin += kLanes) {
    const int64_t n = lanes_at(begin, n_blocks);
    F32x16 factor[kLanes];
    float together[kLanes];
    constexpr int64_t few = 8;  // exponentials one by one cost less than their way through memory
    if (n > few) store(together, exp(load_first(m + begin, n, largest) - set1(largest)));
    for (int64_t i = 0; i < n; ++i) {
      const float at = m[begin + i];
      if (at == -infinity)
        factor[i] = zero();  // also if the largest is
      else if (at == largest && at < infinity)
        factor[i] = set1(1.0f);  // exp(0)
      else
        factor[i] = n > few ? set1(together[i]) : exp(set1(at) - set1(largest));
      total = fma(set1(l[begin + i]), factor[i], total);
    }
    each(head_dim, y, [&](int64_t d, int64_t lanes) RUSTML_LAMBDA {
      F32x16 sum = begin == 0 ? zero() : load_first(y + d, lanes);
      for (int64_t i = 0; i < n; ++i) sum = fma(load_first(o + (begin + i) * o_stride + d, lanes), factor[i], sum);
      return begin + kLanes < n_blocks ? sum : sum / total;
    });
  }
}

}  // namespace rustml::kernels::RUSTML_TARGET
