// The cache's rows and the attention of one block of 128 positions (layouts in kernels.h).
//
// As products of matrices: a tile of queries keeps its accumulators in registers, and a part of K, then of V, that lies in the
// nearest cache is taken by one tile after the other. Scores: lanes are 16 positions of a K group. Values: lanes are 16 elements of
// the head; where the queries of a tile see different positions (causal mask, window), each is asked. A query's chain over its
// visible positions stays in ascending order throughout.
// A single tile reads K and V from memory, which is fetched one phase ahead: V while the scores are worked out, what the caller
// reads next while the values are; from several places in turn, because the processor follows each of them on its own. Several
// tiles find all but the first reading in the cache and do without: counting costs them a twentieth to a tenth.
// K groups and V rows outside of what some query sees are not read: their memory may have been given back.
// Included by target.h after raw_<isa>.h, math.h and float_ops.h.

namespace rustml::kernels::RUSTML_TARGET {
namespace {

template <KvType type>
using Element = std::conditional_t<type == KvType::f32, float, std::conditional_t<type == KvType::f16, uint16_t, int8_t>>;

template <KvType type>
RUSTML_INLINE F32x16 load_cached(const Element<type>* p) {
  if constexpr (type == KvType::f32)
    return load(p);
  else if constexpr (type == KvType::f16)
    return load_f16(p);
  else
    return load_i8(p);
}
template <KvType type>
RUSTML_INLINE F32x16 load_cached_first(const Element<type>* p, int64_t n) {
  Element<type> lanes[kLanes] = {};
  __builtin_memcpy(lanes, p, static_cast<size_t>(n) * sizeof(Element<type>));
  return load_cached<type>(lanes);
}

// ---- writing ----

// x rounded to the cache's type, given to write(d, elements, n) 16 at a time.
template <KvType type, class Write>
RUSTML_INLINE void round_row(const float* x, int64_t head_dim, float* scale_out, Write write) {
  float factor = 0;
  bool any = false;
  if constexpr (type == KvType::q8_0) {
    int32_t bits = 0;
    for (int64_t d = 0; d < head_dim; d += kLanes) {
      const F32x16 v = load_first(x + d, lanes_at(d, head_dim));
      const int32_t b = largest_magnitude_bits(v, v);
      bits = b > bits ? b : bits;
    }
    any = quantize_scale(bits, scale_out, &factor);
  }
  const auto round = [&](int64_t d, int64_t n) RUSTML_LAMBDA {
    Element<type> elements[kLanes] = {};
    const F32x16 v = load_first(x + d, n);
    if constexpr (type == KvType::f32) store(elements, v);
    if constexpr (type == KvType::f16) store_f16(elements, v);
    if constexpr (type == KvType::q8_0) {
      if (any) store_rounded_i8(elements, v * set1(factor));
    }
    write(d, elements, n);
  };
  int64_t d = 0;
  for (; d + kLanes <= head_dim; d += kLanes) round(d, int64_t{kLanes});  // copies of a constant size are no calls
  if (d < head_dim) round(d, head_dim - d);
}

template <KvType type>
void store_k_as(const float* x, int64_t head_dim, void* k_block, float* k_scale, int64_t index) {
  Element<type>* lane = static_cast<Element<type>*>(k_block) + index / kLanes * head_dim * kLanes + index % kLanes;
  round_row<type>(x, head_dim, k_scale + index, [&](int64_t d, const Element<type>* elements, int64_t n) RUSTML_LAMBDA {
    for (int64_t i = 0; i < n; ++i) lane[(d + i) * kLanes] = elements[i];
  });
}

template <KvType type>
void store_v_as(const float* x, int64_t head_dim, void* v_block, float* v_scale, int64_t index) {
  Element<type>* row = static_cast<Element<type>*>(v_block) + index * head_dim;
  round_row<type>(x, head_dim, v_scale + index, [&](int64_t d, const Element<type>* elements, int64_t n) RUSTML_LAMBDA {
    __builtin_memcpy(row + d, elements, static_cast<size_t>(n) * sizeof(Element<type>));
  });
}

void store_k(KvType type, const float* x, int64_t head_dim, void* k_block, float* k_scale, int64_t index) {
  if (type == KvType::f32) return store_k_as<KvType::f32>(x, head_dim, k_block, k_scale, index);
  if (type == KvType::f16) return store_k_as<KvType::f16>(x, head_dim, k_block, k_scale, index);
  store_k_as<KvType::q8_0>(x, head_dim, k_block, k_scale, index);
}

void store_v(KvType type, const float* x, int64_t head_dim, void* v_block, float* v_scale, int64_t index) {
  if (type == KvType::f32) return store_v_as<KvType::f32>(x, head_dim, v_block, v_scale, index);
  if (type == KvType::f16) return store_v_as<KvType::f16>(x, head_dim, v_block, v_scale, index);
  store_v_as<KvType::q8_0>(x, head_dim, v_block, v_scale, index);
}

// ---- scores, softmax, values ----

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
    unroll<kParts>([&](auto i) RUSTML_LAMBDA { __builtin_prefetch(at + i.value * part); });
    at += kLineBytes;
    --lines;
  }
};

struct NoFetch {
  RUSTML_INLINE void step(int64_t) {}
};

using Weights = float[kAttendBlock];  // of one query: scores, then exp, then exp times V's scale

constexpr int64_t kBatch = 24;  // queries whose weights are kept: four tiles of six, three of eight

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
};

// Vectors that a tile of Q queries takes at a time: few queries need several for enough chains.
template <int Q>
constexpr int kWide = Q > kAttendAccumulators / 2   ? 1
                      : Q > kAttendAccumulators / 4 ? 2
                                                    : 4;

// Groups [group, group + G).
template <KvType type, int Q, int G, class F>
RUSTML_INLINE void scores_at(const AttendArgs& a, const Tile& tile, int64_t group, Weights* e, F& fetch) {
  const int64_t dim = a.head_dim;
  const auto* k = static_cast<const Element<type>*>(a.k) + group * dim * kLanes;
  const float* q[Q];
  F32x16 acc[Q][G];
  unroll<Q>([&](auto i) RUSTML_LAMBDA {
    q[i.value] = a.q[tile.j + i.value];
    unroll<G>([&](auto g) RUSTML_LAMBDA { acc[i.value][g.value] = zero(); });
  });
  for (int64_t d = 0; d < dim; ++d) {
    fetch.step(G * kLanes * sizeof(Element<type>));
    F32x16 keys[G];
    unroll<G>([&](auto g) RUSTML_LAMBDA { keys[g.value] = load_cached<type>(k + (g.value * dim + d) * kLanes); });
    unroll<Q>([&](auto i) RUSTML_LAMBDA {
      const F32x16 x = set1(q[i.value][d]);
      unroll<G>([&](auto g) RUSTML_LAMBDA { acc[i.value][g.value] = fma(keys[g.value], x, acc[i.value][g.value]); });
    });
  }
  unroll<Q>([&](auto i) RUSTML_LAMBDA {
    unroll<G>([&](auto g) RUSTML_LAMBDA {
      const int64_t p = (group + g.value) * kLanes;
      F32x16 s = acc[i.value][g.value];
      if constexpr (type == KvType::q8_0) s = s * load(a.k_scale + p);
      store(e[i.value] + p, s);
    });
  });
}

// Scores of those of groups [group, end) that the tile sees.
template <KvType type, int Q, class F>
__attribute__((noinline)) void scores(const AttendArgs& a, const Tile& tile, int64_t group, int64_t end, Weights* e, F& fetch) {
  const int64_t tile_begin = tile.begin / kLanes, tile_end = (tile.end + kLanes - 1) / kLanes;
  group = group > tile_begin ? group : tile_begin;
  end = end < tile_end ? end : tile_end;
  F f = fetch;  // its counters in registers
  constexpr int wide = kWide<Q>;
  if constexpr (wide > 1) {
    for (; group + wide <= end; group += wide) scores_at<type, Q, wide>(a, tile, group, e, f);
  }
  for (; group < end; ++group) scores_at<type, Q, 1>(a, tile, group, e, f);
  fetch = f;
}

// Scores -> weights; sets m and l. All maxima first: a query's exponentials wait for its own.
template <KvType type>
void softmax(const AttendArgs& a, const Tile& tile, Weights* e) {
  const float infinity = __builtin_inff();
  for (int64_t i = 0; i < tile.n; ++i) {
    const int64_t first = a.first[tile.j + i], last = a.last[tile.j + i], end = (last + kLanes - 1) / kLanes * kLanes;
    F32x16 largest = set1(-infinity);
    if (first < last) {
      for (int64_t p = first / kLanes * kLanes; p < first; ++p) e[i][p] = -infinity;
      for (int64_t p = last; p < end; ++p) e[i][p] = -infinity;
      for (int64_t p = first / kLanes * kLanes; p < end; p += kLanes) largest = larger(load(e[i] + p), largest);
    }
    a.m[tile.j + i] = max_lane(largest) + 0.0f;  // never -0
  }
  for (int64_t i = 0; i < tile.n; ++i) {
    const int64_t first = a.first[tile.j + i], last = a.last[tile.j + i];
    const F32x16 m = set1(a.m[tile.j + i]);
    F32x16 sum = zero();
    for (int64_t p = first < last ? first / kLanes * kLanes : last; p < last; p += kLanes) {
      F32x16 x = exp(load(e[i] + p) - m);
      sum = sum + x;  // invisible ones are 0
      if constexpr (type == KvType::q8_0) x = x * load(a.v_scale + p);
      store(e[i] + p, x);
    }
    a.l[tile.j + i] = sum_lanes(sum);
  }
}

// o[d .. d + 16 D) = weights * V; kRest: the last n < 16 elements.
template <KvType type, int Q, int D, bool kRest, class F>
RUSTML_INLINE void values_at(const AttendArgs& a, const Tile& tile, const Weights* e, int64_t d, int64_t rest, F& fetch) {
  const int64_t n = kRest ? rest : kLanes;
  F32x16 o[Q][D];
  unroll<Q>([&](auto i) RUSTML_LAMBDA { unroll<D>([&](auto c) RUSTML_LAMBDA { o[i.value][c.value] = zero(); }); });
  const auto* v = static_cast<const Element<type>*>(a.v) + d;
  int64_t p = tile.begin;
  const auto step = [&](auto everyone) RUSTML_LAMBDA {
    fetch.step(D * kLanes * sizeof(Element<type>));
    F32x16 row[D];
    unroll<D>([&](auto c) RUSTML_LAMBDA {
      const auto* at = v + p * a.head_dim + c.value * kLanes;
      row[c.value] = kRest ? load_cached_first<type>(at, n) : load_cached<type>(at);
    });
    unroll<Q>([&](auto i) RUSTML_LAMBDA {
      if (!everyone.value && (p < a.first[tile.j + i.value] || p >= a.last[tile.j + i.value])) return;
      const F32x16 factor = set1(e[i.value][p]);
      unroll<D>([&](auto c) RUSTML_LAMBDA { o[i.value][c.value] = fma(factor, row[c.value], o[i.value][c.value]); });
    });
  };
  if constexpr (Q > 1) {
    for (; p < tile.all_begin; ++p) step(Index<0>{});
  }
  for (; p < tile.all_end; ++p) step(Index<1>{});
  if constexpr (Q > 1) {
    for (; p < tile.end; ++p) step(Index<0>{});
  }
  unroll<Q>([&](auto i) RUSTML_LAMBDA {
    unroll<D>([&](auto c) RUSTML_LAMBDA { store_first(a.o[tile.j + i.value] + d + c.value * kLanes, o[i.value][c.value], n); });
  });
}

// The last n < 16 elements, at d, one query at a time: heads of such sizes are rare.
template <KvType type>
__attribute__((noinline)) void values_rest(const AttendArgs& a, const Tile& tile, const Weights* e, int64_t d, int64_t n) {
  NoFetch fetch;
  for (int64_t i = 0; i < tile.n; ++i) values_at<type, 1, 1, true>(a, Tile(a, tile.j + i, tile.j + i + 1), e + i, d, n, fetch);
}

// Values of elements [d, end).
template <KvType type, int Q, class F>
__attribute__((noinline)) void values(const AttendArgs& a, const Tile& tile, const Weights* e, int64_t d, int64_t end, F& fetch) {
  F f = fetch;
  constexpr int wide = kWide<Q>;
  if constexpr (wide > 1) {
    for (; d + wide * kLanes <= end; d += wide * kLanes) values_at<type, Q, wide, false>(a, tile, e, d, 0, f);
  }
  for (; d + kLanes <= end; d += kLanes) values_at<type, Q, 1, false>(a, tile, e, d, 0, f);
  fetch = f;
  if (d < end) values_rest<type>(a, tile, e, d, end - d);
}

// f(Index<n>), least <= n <= most.
template <int least, int most, class F>
RUSTML_INLINE void with_width(int64_t n, F f) {
  if (n == most) return f(Index<most>{});
  if constexpr (most > least) with_width<least, most - 1>(n, f);
}

// As matrix products: `wide` vectors' width of K, then of V, is taken by one tile after the other while it lies in the nearest
// cache. e: weights from query all.j on.
template <KvType type, int least, class F>
RUSTML_INLINE void attend_tiles(const AttendArgs& a, const Tile& all, const Tile* tiles, int64_t n_tiles, int64_t wide, Weights* e, F rows,
                                F next) {
  const auto each_tile = [&](auto f) RUSTML_LAMBDA {
    for (int64_t t = 0; t < n_tiles; ++t)
      with_width<least, kAttendQueries>(tiles[t].n, [&](auto q) RUSTML_LAMBDA { f(q, tiles[t], e + (tiles[t].j - all.j)); });
  };
  for (int64_t group = all.begin / kLanes; group * kLanes < all.end; group += wide)
    each_tile([&](auto q, const Tile& tile, Weights* w) RUSTML_LAMBDA { scores<type, q.value>(a, tile, group, group + wide, w, rows); });
  for (int64_t t = 0; t < n_tiles; ++t) softmax<type>(a, tiles[t], e + (tiles[t].j - all.j));
  for (int64_t d = 0; d < a.head_dim; d += wide * kLanes) {
    const int64_t end = d + wide * kLanes < a.head_dim ? d + wide * kLanes : a.head_dim;
    each_tile([&](auto q, const Tile& tile, Weights* w) RUSTML_LAMBDA { values<type, q.value>(a, tile, w, d, end, next); });
  }
}

// Queries [begin, end), at most kBatch, in tiles of about the same size.
template <KvType type>
void attend_batch(const AttendArgs& a, int64_t begin, int64_t end) {
  alignas(64) Weights e[kBatch];
  const Tile all(a, begin, end);
  if (all.n <= kAttendQueries) {
    const int64_t row_bytes = a.head_dim * static_cast<int64_t>(sizeof(Element<type>));
    const int64_t bytes = all.begin < all.end ? (all.end - all.begin) * row_bytes : 0;
    const Fetch rows(static_cast<const std::byte*>(a.v) + all.begin * row_bytes, bytes), next(a.next, bytes);
    return attend_tiles<type, 1>(a, all, &all, 1, 4, e, rows, next);
  }
  Tile tiles[(kBatch + kAttendQueries - 1) / kAttendQueries];
  const int64_t n_tiles = (all.n + kAttendQueries - 1) / kAttendQueries;
  for (int64_t t = 0; t < n_tiles; ++t) tiles[t] = Tile(a, begin + all.n * t / n_tiles, begin + all.n * (t + 1) / n_tiles);
  attend_tiles<type, (kAttendQueries + 1) / 2>(a, all, tiles, n_tiles, 2, e, NoFetch{}, NoFetch{});
}

template <KvType type>
void attend_as(const AttendArgs& a) {
  for (int64_t j = 0; j < a.n_queries; j += kBatch) attend_batch<type>(a, j, j + kBatch < a.n_queries ? j + kBatch : a.n_queries);
}

void attend(const AttendArgs& a) {
  if (a.type == KvType::f32) return attend_as<KvType::f32>(a);
  if (a.type == KvType::f16) return attend_as<KvType::f16>(a);
  attend_as<KvType::q8_0>(a);
}

void attend_merge(const float* m, const float* l, const float* o, int64_t o_stride, int64_t n_blocks, int64_t head_dim, float* y) {
  const float infinity = __builtin_inff();
  float largest = -infinity;
  for (int64_t i = 0; i < n_blocks; ++i) largest = m[i] > largest ? m[i] : largest;
  F32x16 total = zero();  // alike in all lanes
  for (int64_t begin = 0; begin < n_blocks; begin += kLanes) {
    const int64_t n = lanes_at(begin, n_blocks);
    float factor[kLanes];
    if (n_blocks == 1 && largest > -infinity && largest < infinity)
      factor[0] = 1.0f;  // exp(0)
    else
      store(factor, exp(load_first(m + begin, n) - set1(largest)));
    for (int64_t i = 0; i < n; ++i) {
      if (m[begin + i] == -infinity) factor[i] = 0.0f;  // also if the largest is
      total = fma(set1(l[begin + i]), set1(factor[i]), total);
    }
    each(head_dim, y, [&](int64_t d, int64_t lanes) RUSTML_LAMBDA {
      F32x16 sum = begin == 0 ? zero() : load_first(y + d, lanes);
      for (int64_t i = 0; i < n; ++i) sum = fma(load_first(o + (begin + i) * o_stride + d, lanes), set1(factor[i]), sum);
      return begin + kLanes < n_blocks ? sum : sum / total;
    });
  }
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
