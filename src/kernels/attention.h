// The cache's rows and the attention of one block of 128 positions (layouts in kernels.h).
//
// Scores: lanes are 16 positions of a K group; each K vector is used by up to four queries. Values: lanes are 16 elements of the
// head; each V vector is used by up to four queries, for the positions all of them see; the edges, where their ranges differ
// (causal mask, window), query by query. A query's chain over its visible positions stays in ascending order throughout.
// Memory is fetched one phase ahead: V while the scores are worked out, what the caller reads next while the values are; from
// several places in turn, because the processor follows each of them on its own.
// K groups that no query sees and V rows outside the ranges are not read: their memory may have been given back.
// Included by target.h after raw_<isa>.h, math.h and float_ops.h.

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int kQueries = 4;

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
  for (int64_t d = 0; d < head_dim; d += kLanes) {
    const int64_t n = lanes_at(d, head_dim);
    Element<type> elements[kLanes] = {};
    const F32x16 v = load_first(x + d, n);
    if constexpr (type == KvType::f32) store(elements, v);
    if constexpr (type == KvType::f16) store_f16(elements, v);
    if constexpr (type == KvType::q8_0) {
      if (any) store_rounded_i8(elements, v * set1(factor));
    }
    write(d, elements, n);
  }
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

using Weights = float[kAttendBlock];  // of one query: scores, then exp, then exp times V's scale

// Groups [group, group + G) for queries [j, j + Q).
template <KvType type, int Q, int G>
RUSTML_INLINE void scores(const AttendArgs& a, int64_t j, int64_t group, Weights* e, Fetch& fetch) {
  const int64_t dim = a.head_dim;
  const auto* k = static_cast<const Element<type>*>(a.k) + group * dim * kLanes;
  const float* q[Q];
  F32x16 acc[Q][G];
  unroll<Q>([&](auto i) RUSTML_LAMBDA {
    q[i.value] = a.q[j + i.value];
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

// One query's scores at positions [first, last) -> weights; sets m and l.
template <KvType type>
RUSTML_INLINE void softmax(const AttendArgs& a, int64_t j, float* e) {
  const int64_t first = a.first[j], last = a.last[j];
  const int64_t begin = first / kLanes * kLanes, end = (last + kLanes - 1) / kLanes * kLanes;
  const float infinity = __builtin_inff();
  for (int64_t p = begin; p < first; ++p) e[p] = -infinity;
  for (int64_t p = last; p < end; ++p) e[p] = -infinity;
  F32x16 largest = set1(-infinity), sum = zero();
  for (int64_t p = begin; p < end; p += kLanes) largest = larger(load(e + p), largest);
  const float m = max_lane(largest) + 0.0f;  // never -0
  for (int64_t p = begin; p < end; p += kLanes) {
    F32x16 x = exp(load(e + p) - set1(m));
    sum = sum + x;  // invisible ones are 0
    if constexpr (type == KvType::q8_0) x = x * load(a.v_scale + p);
    store(e + p, x);
  }
  a.m[j] = m;
  a.l[j] = sum_lanes(sum);
}

// o[d .. d + 16 D) += weights * V over positions [begin, end), for queries [j, j + Q); n < 16 with D = 1: the last n elements.
template <KvType type, int Q, int D>
RUSTML_INLINE void values_at(const AttendArgs& a, int64_t j, const Weights* e, int64_t begin, int64_t end, int64_t d, int64_t n,
                             Fetch& fetch) {
  F32x16 o[Q][D];
  unroll<Q>([&](auto i) RUSTML_LAMBDA {
    unroll<D>([&](auto c) RUSTML_LAMBDA { o[i.value][c.value] = load_first(a.o[j + i.value] + d + c.value * kLanes, n); });
  });
  const auto* v = static_cast<const Element<type>*>(a.v) + begin * a.head_dim + d;
  for (int64_t p = begin; p < end; ++p, v += a.head_dim) {
    fetch.step(D * kLanes * sizeof(Element<type>));
    F32x16 row[D];
    unroll<D>([&](auto c)
                  RUSTML_LAMBDA { row[c.value] = n == kLanes ? load_cached<type>(v + c.value * kLanes) : load_cached_first<type>(v, n); });
    unroll<Q>([&](auto i) RUSTML_LAMBDA {
      const F32x16 factor = set1(e[i.value][p]);
      unroll<D>([&](auto c) RUSTML_LAMBDA { o[i.value][c.value] = fma(factor, row[c.value], o[i.value][c.value]); });
    });
  }
  unroll<Q>([&](auto i) RUSTML_LAMBDA {
    unroll<D>([&](auto c) RUSTML_LAMBDA { store_first(a.o[j + i.value] + d + c.value * kLanes, o[i.value][c.value], n); });
  });
}

template <KvType type, int Q>
void values(const AttendArgs& a, int64_t j, const Weights* e, int64_t begin, int64_t end, Fetch& fetch) {
  constexpr int kWide = kAttendAccumulators / Q < 1 ? 1 : kAttendAccumulators / Q > 4 ? 4 : kAttendAccumulators / Q;
  if (begin >= end) return;
  int64_t d = 0;
  for (; d + kWide * kLanes <= a.head_dim; d += kWide * kLanes) values_at<type, Q, kWide>(a, j, e, begin, end, d, kLanes, fetch);
  for (; d + kLanes <= a.head_dim; d += kLanes) values_at<type, Q, 1>(a, j, e, begin, end, d, kLanes, fetch);
  if (d < a.head_dim) values_at<type, Q, 1>(a, j, e, begin, end, d, a.head_dim - d, fetch);
}

// Queries [j, j + Q).
template <KvType type, int Q>
__attribute__((noinline)) void attend_tile(const AttendArgs& a, int64_t j) {
  constexpr int kGroups = kAttendAccumulators / 2 / Q < 1 ? 1 : kAttendAccumulators / 2 / Q > 4 ? 4 : kAttendAccumulators / 2 / Q;
  alignas(64) Weights e[Q];
  // [begin, end): what some query sees; [all_begin, all_end): what all of them see.
  int64_t begin = kAttendBlock, end = 0, all_begin = 0, all_end = kAttendBlock;
  for (int i = 0; i < Q; ++i) {
    const int64_t first = a.first[j + i], last = a.last[j + i];
    if (first < last) {
      begin = first < begin ? first : begin;
      end = last > end ? last : end;
    }
    all_begin = first > all_begin ? first : all_begin;
    all_end = last < all_end ? last : all_end;
    for (int64_t d = 0; d < a.head_dim; ++d) a.o[j + i][d] = 0.0f;
  }
  const int64_t row_bytes = a.head_dim * static_cast<int64_t>(sizeof(Element<type>)), seen = begin < end ? (end - begin) * row_bytes : 0;
  Fetch rows(j == 0 ? static_cast<const std::byte*>(a.v) + begin * row_bytes : nullptr, seen), next(j == 0 ? a.next : nullptr, seen);
  int64_t group = begin / kLanes;
  const int64_t group_end = (end + kLanes - 1) / kLanes;
  for (; group + kGroups <= group_end; group += kGroups) scores<type, Q, kGroups>(a, j, group, e, rows);
  for (; group < group_end; ++group) scores<type, Q, 1>(a, j, group, e, rows);
  for (int i = 0; i < Q; ++i) {
    if (a.first[j + i] < a.last[j + i]) {
      softmax<type>(a, j + i, e[i]);
    } else {
      a.m[j + i] = -__builtin_inff();
      a.l[j + i] = 0.0f;
    }
  }
  if (Q > 1 && all_begin < all_end) {
    for (int i = 0; i < Q; ++i) values<type, 1>(a, j + i, e + i, a.first[j + i], all_begin, next);
    values<type, Q>(a, j, e, all_begin, all_end, next);
    for (int i = 0; i < Q; ++i) values<type, 1>(a, j + i, e + i, all_end, a.last[j + i], next);
  } else {
    for (int i = 0; i < Q; ++i) values<type, 1>(a, j + i, e + i, a.first[j + i], a.last[j + i], next);
  }
}

template <KvType type>
void attend_as(const AttendArgs& a) {
  int64_t j = 0;
  for (; j + kQueries <= a.n_queries; j += kQueries) attend_tile<type, kQueries>(a, j);
  if (a.n_queries - j == 3) attend_tile<type, 3>(a, j);
  if (a.n_queries - j == 2) attend_tile<type, 2>(a, j);
  if (a.n_queries - j == 1) attend_tile<type, 1>(a, j);
}

void attend(const AttendArgs& a) {
  if (a.type == KvType::f32) return attend_as<KvType::f32>(a);
  if (a.type == KvType::f16) return attend_as<KvType::f16>(a);
  attend_as<KvType::q8_0>(a);
}

void attend_merge(const float* m, const float* l, const float* o, int64_t o_stride, int64_t n_blocks, int64_t head_dim, float* y) {
  const float infinity = __builtin_inff();
  float largest = -infinity, total = 0;
  for (int64_t i = 0; i < n_blocks; ++i) largest = m[i] > largest ? m[i] : largest;
  for (int64_t d = 0; d < head_dim; ++d) y[d] = 0.0f;
  for (int64_t i = 0; i < n_blocks; ++i) {
    float factor = 0.0f;
    if (m[i] != -infinity) {
      float lanes[kLanes];
      store(lanes, exp(set1(m[i] - largest)));
      factor = lanes[0];
    }
    float lanes[kLanes];
    store(lanes, fma(set1(l[i]), set1(factor), set1(total)));
    total = lanes[0];
    each(head_dim, y,
         [&](int64_t d, int64_t n) RUSTML_LAMBDA { return fma(load_first(o + i * o_stride + d, n), set1(factor), load_first(y + d, n)); });
  }
  each(head_dim, y, [&](int64_t d, int64_t n) RUSTML_LAMBDA { return load_first(y + d, n) / set1(total); });
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
