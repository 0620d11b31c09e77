// Matrix times activations on packed panels. Lanes are rows, so there is no horizontal sum; each output has the two chains of
// kernels.h (halves of K).
//  One token: straight from the packed panel, in one stream or, side by side, its two halves.
//  Several tokens: a piece of K of each panel is expanded to bytes and float scales in the L1 cache, then one matrix product,
//  the same for all types, runs over all tokens of a tile. Panels outside, tokens inside: every weight is read from memory once
//  per tile.
// Included by target.h after raw_<isa>.h.
#include "kernels/layout.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int P = kTilePanels;
constexpr int64_t kTileActivationBytes = 256 * 1024;  // of a token tile, half of the smallest L2 in use
constexpr int64_t kMaxTokens = 72;                    // of a token tile
// One token: how far ahead each stream of weights is fetched, as measured on Xeons (four streams) and on Zen 3 (one).
constexpr int64_t kPrefetchBytes = kStreams == 2 ? 4096 : 2048;
// What `weighted` multiplies the 16-bit sums of a block's two halves by: `factor` for those in sub-block `sub`.
RUSTML_INLINE constexpr int32_t sum_factors(int subs, int sub, int factor) {
  const uint32_t half = static_cast<uint32_t>(factor) & 0xffff;
  return static_cast<int32_t>(subs == 1 ? half << 16 | half : sub == 0 ? half : half << 16);
}

// A Dot whose weights are prepared once for several tokens, and whose sums then begin with integers of the rows.
template <class Dot>
concept Prepared = requires {
  &Dot::missing;
};
template <class Dot>
constexpr int64_t kGroupBytes = Prepared<Dot> ? 128 : 64;  // of 16 rows x 4 k, expanded

template <tensor::DType type>
struct Format {
  static constexpr Layout kLayout = layout_of(type);
  static constexpr int kBits = kLayout.bits, kBlocks = kLayout.blocks(), kSubs = kLayout.subs();
  static constexpr int64_t kHeaderBytes = kLayout.header_bytes(), kBlockBytes = kLayout.block_bytes(), kUnitBytes = kLayout.unit_bytes();
  using Dot = DotOf<kLayout.sub == 16 ? 6 : kBits>;  // Q2_K and Q3_K share the code of Q6_K

  // The stored integers of k-group g of the block at q.
  template <int g>
  static RUSTML_INLINE I8x64 group(const std::byte* q) {
    if constexpr (kBits == 8) {
      return load_bytes(q + 64 * g);
    } else if constexpr (kBits & 4) {
      const I8x64 nibbles = field < g < 4 ? 0 : 4, 15 > (load_bytes(q + 64 * (g % 4)));
      if constexpr (kBits & 2) return either(nibbles, field<g % 4 * 2 - 4, 0x30>(load_bytes(q + 256 + 64 * (g / 4))));
      if constexpr (kBits & 1) return either(nibbles, field<g - 4, 0x10>(load_bytes(q + 256)));
      return nibbles;
    } else {
      const I8x64 pairs = field<g % 4 * 2, 3>(load_bytes(q + 64 * (g / 4)));
      if constexpr (kBits & 1) return either(pairs, field<g - 2, 4>(load_bytes(q + 128)));
      return pairs;
    }
  }
  // Scale and minimum of sub-block `sub` of the unit, of which d and m are the f16 values.
  static RUSTML_INLINE F32x16 scale(const std::byte* unit, F32x16 d, int64_t sub) {
    if constexpr (!kLayout.super) return d;
    return d * load_i8(reinterpret_cast<const int8_t*>(unit + 64 + 16 * sub));
  }
  static RUSTML_INLINE F32x16 minimum(const std::byte* unit, F32x16 m, int64_t sub) {
    if constexpr (!kLayout.super) return m;
    return m * load_i8(reinterpret_cast<const int8_t*>(unit + 64 + 16 * (kLayout.scales() + sub)));
  }
};

// Float types: bytes of one k of a panel, and its 16 weights.
struct F32 {
  static constexpr int kStepBytes = 64;
  static RUSTML_INLINE F32x16 load_row(const std::byte* p) { return load(reinterpret_cast<const float*>(p)); }
};
struct F16 {
  static constexpr int kStepBytes = 32;
  static RUSTML_INLINE F32x16 load_row(const std::byte* p) { return load_f16(p); }
};
struct BF16 {
  static constexpr int kStepBytes = 32;
  static RUSTML_INLINE F32x16 load_row(const std::byte* p) { return load_bf16(p); }
};

// out = first + second + bias: the rows of one panel, tokens from t; first and second: [token][P][16].
RUSTML_INLINE void finish_panel(const LinearArgs& args, int64_t panel, int64_t t, int64_t tokens, const float* first, const float* second) {
  const LinearArgs a = args;  // nothing stored here can change it
  const int64_t row = panel * kPanelRows, n = a.rows - row < kPanelRows ? a.rows - row : kPanelRows;
  const F32x16 bias = a.bias != nullptr ? load_first(a.bias + row, n) : zero();
  float* out = a.out + t * a.out_stride + row;
  for (int64_t i = 0; i < tokens; ++i, out += a.out_stride, first += P * kPanelRows, second += P * kPanelRows) {
    F32x16 result = load(first) + load(second);
    if (a.bias != nullptr) result = result + bias;
    if (a.accumulate) result = load_first(out, n) + result;
    store_first(out, result, n);
  }
}

// ---- one token ----

// Where the weights of one token are fetched from, relative to the place that is read: some steps ahead, and near the end of a
// stream (a panel, or each half of it) in the same stream of the panels that come next.
struct Ahead {
  int64_t steps, within, beyond, length;
  // The P panels at w, the last if `last`: then those of the next matrix come, or none.
  Ahead(const LinearArgs& a, const std::byte* w, bool last, int64_t stream_steps, int64_t step_bytes, int64_t stride)
      : length(stream_steps) {
    steps = kPrefetchBytes / step_bytes < length ? kPrefetchBytes / step_bytes : length;
    within = steps * step_bytes;
    const std::byte* next = !last ? w + P * stride : a.next != nullptr ? a.next : w;
    beyond = next - w + within - length * step_bytes;
  }
  RUSTML_INLINE int64_t at(int64_t step) const { return step + steps < length ? within : beyond; }
};

__attribute__((noinline)) void finish_one(const LinearArgs& a, int64_t panel, int64_t n, int64_t t, const F32x16 (&acc)[2][P]) {
  float chains[2][P * kPanelRows];
  unroll<P>([&](auto p) RUSTML_LAMBDA {
    store(chains[0] + p.value * kPanelRows, acc[0][p.value]);
    store(chains[1] + p.value * kPanelRows, acc[1][p.value]);
  });
  for (int64_t p = 0; p < n; ++p) finish_panel(a, panel + p, t, 1, chains[0] + p * kPanelRows, chains[1] + p * kPanelRows);
}

// The P panels at w (an absent second one is read as the first), from the first step of K to the last: work(first chain, how many, step,
// steps between them, where to fetch ahead). Chain 0 is the first half of K.
template <class Work>
RUSTML_INLINE void one_token_steps(const LinearArgs& a, const std::byte* w, bool last, int64_t steps, int64_t step_bytes, Work work) {
  const int64_t half = (steps + 1) / 2;
  const Ahead fetch(a, w, last, kStreams == 2 ? half : steps, step_bytes, steps * step_bytes);
  int64_t i = 0;
  if constexpr (kStreams == 2) {
    for (; i < steps - half; ++i) work(Index<0>{}, Index<2>{}, i, half, fetch.at(i));
    if (i < half) work(Index<0>{}, Index<1>{}, i, 0, fetch.at(i));
  } else {
    for (; i < half; ++i) work(Index<0>{}, Index<1>{}, i, 0, fetch.at(i));
    for (; i < steps; ++i) work(Index<1>{}, Index<1>{}, i, 0, fetch.at(i));
  }
}

template <tensor::DType type>
__attribute__((noinline)) void one_token(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t) {
  using F = Format<type>;
  using Dot = typename F::Dot;
  const int64_t blocks = a.cols / kQBlock, units = blocks / F::kBlocks, stride = units * F::kUnitBytes;
  const int64_t second_panel = n == P ? stride : 0;
  const std::byte* panels = a.weights + panel * stride;
  F32x16 acc[2][P];
  unroll<2>([&](auto h) RUSTML_LAMBDA { unroll<P>([&](auto p) RUSTML_LAMBDA { acc[h.value][p.value] = zero(); }); });
  one_token_steps(
      a, panels, last, units, F::kUnitBytes, [&](auto chain, auto count, int64_t u, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
        constexpr int kCount = count.value;
        F32x16 d[kCount][P], m[kCount][P];
        const std::byte* unit[kCount][P];
        unroll<kCount>([&](auto h) RUSTML_LAMBDA {
          unroll<P>([&](auto p) RUSTML_LAMBDA {
            const std::byte* w = panels + p.value * second_panel + (u + h.value * apart) * F::kUnitBytes;
            unit[h.value][p.value] = w;
            prefetch<(F::kHeaderBytes + (F::kBlocks == 1 ? F::kBlockBytes : 0) + kLineBytes - 1) / kLineBytes>(w + ahead);
            d[h.value][p.value] = load_f16(w);
            if constexpr (F::kLayout.minima) m[h.value][p.value] = load_f16(w + 32);
          });
        });
        for (int64_t j = 0; j < F::kBlocks; ++j) {
          const int8_t* x[kCount];
          float xd[kCount];
          int32_t xsum[kCount];
          typename Dot::Sum sum[kCount][P][F::kSubs];
          unroll<kCount>([&](auto h) RUSTML_LAMBDA {
            const int64_t b = (u + h.value * apart) * F::kBlocks + j;
            x[h.value] = a.xq + t * a.cols + b * kQBlock;
            xd[h.value] = a.xd[t * blocks + b];
            xsum[h.value] = a.xsum[t * blocks + b];
            unroll<F::kSubs>([&](auto s) RUSTML_LAMBDA {
              const auto start = Dot::start(weighted(xsum[h.value], sum_factors(F::kSubs, s.value, -F::kLayout.zero)));
              unroll<P>([&](auto p) RUSTML_LAMBDA { sum[h.value][p.value][s.value] = start; });
            });
          });
          unroll<8>([&](auto step) RUSTML_LAMBDA {
            constexpr int g = step.value / 2 + step.value % 2 * 4;  // 0 4 1 5 ..: both groups of a vector of nibbles
            constexpr int s = F::kSubs == 1 ? 0 : g / 4, nth = F::kSubs == 1 ? step.value : g % 4;
            unroll<kCount>([&](auto h) RUSTML_LAMBDA {
              const auto x4 = broadcast4(x[h.value] + 4 * g);
              unroll<P>([&](auto p) RUSTML_LAMBDA {
                const std::byte* quants = unit[h.value][p.value] + F::kHeaderBytes + j * F::kBlockBytes;
                if constexpr (F::kBlocks > 1 && step.value == 0) prefetch<F::kBits>(quants + ahead);
                const I8x64 stored = F::template group<g>(quants);
                if constexpr (Prepared<Dot>) {
                  Dot::step(sum[h.value][p.value][s], stored, x4);
                } else {
                  Dot::template step<nth>(sum[h.value][p.value][s], Dot::weights(stored), x4);
                }
              });
            });
          });
          unroll<kCount>([&](auto h) RUSTML_LAMBDA {
            unroll<F::kSubs>([&](auto s) RUSTML_LAMBDA {
              const F32x16 xsums = as_floats(weighted(xsum[h.value], sum_factors(F::kSubs, s.value, 1)));
              unroll<P>([&](auto p) RUSTML_LAMBDA {
                const std::byte* header = unit[h.value][p.value];
                const int64_t sub = j * F::kSubs + s.value;
                F32x16& to = acc[chain.value + h.value][p.value];
                to = fma(Dot::finish(sum[h.value][p.value][s.value]), F::scale(header, d[h.value][p.value], sub) * set1(xd[h.value]), to);
                if constexpr (F::kLayout.minima) to = fma(F::minimum(header, m[h.value][p.value], sub), set1(xd[h.value]) * xsums, to);
              });
            });
          });
        }
      });
  finish_one(a, panel, n, t, acc);
}

template <class T>
__attribute__((noinline)) void one_token_float(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t) {
  const int64_t stride = a.cols * T::kStepBytes, second_panel = n == P ? stride : 0;
  const std::byte* w = a.weights + panel * stride;
  const float* x = a.xf + t * a.cols;
  F32x16 acc[2][P];
  unroll<2>([&](auto h) RUSTML_LAMBDA { unroll<P>([&](auto p) RUSTML_LAMBDA { acc[h.value][p.value] = zero(); }); });
  one_token_steps(a, w, last, a.cols, T::kStepBytes, [&](auto chain, auto count, int64_t k0, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
    unroll<count.value>([&](auto h) RUSTML_LAMBDA {
      const int64_t k = k0 + h.value * apart;
      unroll<P>([&](auto p) RUSTML_LAMBDA {
        const std::byte* row = w + p.value * second_panel + k * T::kStepBytes;
        __builtin_prefetch(row + ahead);
        F32x16& to = acc[chain.value + h.value][p.value];
        to = fma(T::load_row(row), set1(x[k]), to);
      });
    });
  });
  finish_one(a, panel, n, t, acc);
}

// ---- several tokens ----

constexpr int64_t kChunkBlocks = 12, kChunkFloats = 96;  // expanded at a time, of 32 k or one k

// A piece of K of P panels, ready for the product.
struct Chunk {
  const std::byte* weights[P];  // bytes [16 rows][4 k] per group of 4 k; float types: floats [16 rows] per k
  int64_t stride;               // from one block of 32 to the next (float types: unused)
  const float* scale[P];        // [blocks][subs][16], and kToMinimum further on the minima (with Prepared: int32 starts)
  const std::byte* fetch[P];    // packed weights that come next, for the first tile to fetch
  int64_t fetch_stride;         // of each of its steps (a block of 32 or one k); 0: it is done
};
constexpr int64_t kToMinimum = kChunkBlocks * 2 * kPanelRows;
struct Buffers {
  alignas(64) std::byte weights[P][kChunkBlocks * 8 * kGroupBytes<DotOf<8>>];
  alignas(64) float scale[P][2 * kToMinimum];
};

constexpr int kFour = kTileTokens < 4 ? kTileTokens : 4;
constexpr int kLast = kTileTokens == 6 ? 8 : kTileTokens;  // rather than 6 and 2; the chains then lie in the L1 cache

// What `several_tokens` must know of a type. A step is a unit of blocks, or one k of a float type.
struct Kind {
  int64_t step_bytes, step_k, chunk_steps;
  int zero;  // 0 with minima
  // n steps at w into panel p of the buffers, and how to read them.
  void (*expand)(const std::byte* w, int64_t n, Buffers& to, int p, Chunk& chunk);
  // k from k0 of kLast, kTileTokens, 4 or 2 tokens from t; acc: [token][P][16], continued. Results before `first` are not kept.
  using Tile = void (*)(const LinearArgs& a, const Kind& kind, const Chunk& chunk, int64_t k0, int64_t n_k, int64_t t, int64_t first,
                        float* acc);
  Tile last, full, four, two;
};

template <tensor::DType type>
void expand(const std::byte* w, int64_t n, Buffers& to, int p, Chunk& chunk) {
  using F = Format<type>;
  using Dot = typename F::Dot;
  constexpr bool kInPlace = F::kBits == 8 && !Prepared<Dot>;
  chunk.weights[p] = kInPlace ? w + F::kHeaderBytes : to.weights[p];
  chunk.stride = kInPlace ? F::kUnitBytes : 8 * kGroupBytes<Dot>;
  chunk.scale[p] = to.scale[p];
  std::byte* bytes = to.weights[p];
  float* scale = to.scale[p];
  for (int64_t u = 0; u < n; ++u, w += F::kUnitBytes) {
    const F32x16 d = load_f16(w);
    F32x16 m = d;
    if constexpr (F::kLayout.minima) m = load_f16(w + 32);
    for (int64_t sub = 0; sub < F::kBlocks * F::kSubs; ++sub, scale += kPanelRows) {
      store(scale, F::scale(w, d, sub));
      if constexpr (F::kLayout.minima) store(scale + kToMinimum, F::minimum(w, m, sub));
    }
    if constexpr (Prepared<Dot>) {
      typename Dot::Sum start = {};
      unroll<8>([&](auto g) RUSTML_LAMBDA {
        const auto weights = Dot::weights(F::template group<g.value>(w + F::kHeaderBytes));
        Dot::missing(start, weights);
        Dot::store_weights(bytes + g.value * kGroupBytes<Dot>, weights);
      });
      store_bytes(reinterpret_cast<std::byte*>(scale - kPanelRows + kToMinimum), start);
      bytes += 8 * kGroupBytes<Dot>;
    } else if constexpr (!kInPlace) {
      for (int64_t j = 0; j < F::kBlocks; ++j, bytes += 512) {
        const std::byte* quants = w + F::kHeaderBytes + j * F::kBlockBytes;
        unroll<8>([&](auto g) RUSTML_LAMBDA { store_bytes(bytes + 64 * g.value, F::template group<g.value>(quants)); });
      }
    }
  }
}

template <int M>
RUSTML_INLINE void load_tile(const float* acc, F32x16 (&chain)[P][M]) {
  unroll<M>([&](auto m) RUSTML_LAMBDA {
    unroll<P>([&](auto p) RUSTML_LAMBDA { chain[p.value][m.value] = load(acc + (m.value * P + p.value) * kPanelRows); });
  });
}
template <int M>
RUSTML_INLINE void store_tile(float* acc, int64_t first, const F32x16 (&chain)[P][M]) {
  unroll<M>([&](auto m) RUSTML_LAMBDA {
    if (m.value < first) return;
    unroll<P>([&](auto p) RUSTML_LAMBDA { store(acc + (m.value * P + p.value) * kPanelRows, chain[p.value][m.value]); });
  });
}

template <class Dot, int kSubs, bool kMinima, int M>
__attribute__((noinline)) void block_tile(const LinearArgs& a, const Kind& kind, const Chunk& chunk, int64_t k0, int64_t n_k, int64_t t,
                                          int64_t first, float* acc) {
  const int64_t cols = a.cols, blocks = cols / kQBlock, stride = chunk.stride;
  const int8_t* x = a.xq + t * cols + k0;
  const float* xd = a.xd + t * blocks + k0 / kQBlock;
  const int32_t* xsum = a.xsum + t * blocks + k0 / kQBlock;
  const std::byte* weights[P];
  const float* scales[P];
  unroll<P>([&](auto p) RUSTML_LAMBDA { weights[p.value] = chunk.weights[p.value], scales[p.value] = chunk.scale[p.value]; });
  const int zero_point = kind.zero;
  const int64_t fetch = chunk.fetch_stride;
  F32x16 chain[P][M];
  load_tile(acc, chain);
  for (int64_t b = 0; b < n_k / kQBlock; ++b, x += kQBlock, ++xd, ++xsum) {
    if (fetch != 0) unroll<P>([&](auto p) RUSTML_LAMBDA { prefetch_range(chunk.fetch[p.value] + b * fetch, fetch); });
    unroll<kSubs>([&](auto s) RUSTML_LAMBDA {
      const int32_t factors = sum_factors(kSubs, s.value, -zero_point);
      typename Dot::Sum sum[P][M];
      unroll<M>([&](auto m) RUSTML_LAMBDA {
        if constexpr (Prepared<Dot>) {
          unroll<P>([&](auto p) RUSTML_LAMBDA {
            sum[p.value][m.value] = Dot::start(load_bytes(reinterpret_cast<const std::byte*>(scales[p.value] + kToMinimum)));
          });
        } else {
          const auto c = kMinima ? weighted(0, 0) : weighted(xsum[m.value * blocks], factors);
          unroll<P>([&](auto p) RUSTML_LAMBDA { sum[p.value][m.value] = Dot::start(c); });
        }
      });
      unroll<8 / kSubs>([&](auto nth) RUSTML_LAMBDA {
        constexpr int g = s.value * 4 + nth.value;
        typename Dot::Weights w[P];
        unroll<P>([&](auto p) RUSTML_LAMBDA {
          const std::byte* from = weights[p.value] + kGroupBytes<Dot> * g;
          if constexpr (Prepared<Dot>) {
            w[p.value] = Dot::load_weights(from);
          } else {
            w[p.value] = Dot::weights(load_bytes(from));
          }
        });
        unroll<M>([&](auto m) RUSTML_LAMBDA {
          const auto x4 = broadcast4(x + m.value * cols + 4 * g);
          unroll<P>([&](auto p) RUSTML_LAMBDA { Dot::template step<nth.value>(sum[p.value][m.value], w[p.value], x4); });
        });
      });
      unroll<P>([&](auto p) RUSTML_LAMBDA {
        const F32x16 scale = load(scales[p.value]);
        unroll<M>([&](auto m) RUSTML_LAMBDA {
          F32x16& to = chain[p.value][m.value];
          to = fma(Dot::finish(sum[p.value][m.value]), scale * set1(xd[m.value * blocks]), to);
        });
      });
      if constexpr (kMinima) {
        unroll<M>([&](auto m) RUSTML_LAMBDA {
          const F32x16 xsums = set1(xd[m.value * blocks]) * as_floats(weighted(xsum[m.value * blocks], sum_factors(kSubs, s.value, 1)));
          unroll<P>([&](auto p) RUSTML_LAMBDA {
            F32x16& to = chain[p.value][m.value];
            to = fma(load(scales[p.value] + kToMinimum), xsums, to);
          });
        });
      }
      unroll<P>([&](auto p) RUSTML_LAMBDA { scales[p.value] += kPanelRows; });
    });
    unroll<P>([&](auto p) RUSTML_LAMBDA { weights[p.value] += stride; });
  }
  store_tile(acc, first, chain);
}

template <class T, int M>
__attribute__((noinline)) void float_tile(const LinearArgs& a, const Kind&, const Chunk& chunk, int64_t k0, int64_t n_k, int64_t t,
                                          int64_t first, float* acc) {
  const int64_t cols = a.cols;
  const float* x = a.xf + t * cols + k0;
  const int64_t fetch = chunk.fetch_stride;
  F32x16 chain[P][M];
  load_tile(acc, chain);
  for (int64_t k = 0; k < n_k; ++k) {
    if (fetch != 0) unroll<P>([&](auto p) RUSTML_LAMBDA { __builtin_prefetch(chunk.fetch[p.value] + k * fetch); });
    F32x16 w[P];
    unroll<P>([&](auto p) RUSTML_LAMBDA { w[p.value] = T::load_row(chunk.weights[p.value] + k * T::kStepBytes); });
    unroll<M>([&](auto m) RUSTML_LAMBDA {
      const F32x16 xk = set1(x[m.value * cols + k]);
      unroll<P>([&](auto p) RUSTML_LAMBDA { chain[p.value][m.value] = fma(w[p.value], xk, chain[p.value][m.value]); });
    });
  }
  store_tile(acc, first, chain);
}

// Expanded type by type, multiplied alike: `tokens` tokens of LinearArgs from t, panels [panel_begin, panel_end).
void several_tokens(const LinearArgs& a, const Kind& kind, int64_t panel_begin, int64_t panel_end, int64_t token, int64_t tokens) {
  Buffers buffers;
  Chunk chunk;
  alignas(64) float acc[2][kMaxTokens * P * kPanelRows];
  const int64_t steps = a.cols / kind.step_k, half = (steps + 1) / 2, stride = steps * kind.step_bytes;
  for (int64_t panel = panel_begin; panel < panel_end; panel += P) {
    const int64_t n = panel_end - panel < P ? panel_end - panel : P;
    for (auto& chain : acc) __builtin_memset(chain, 0, static_cast<size_t>(tokens * P * kPanelRows) * sizeof(float));
    for (int h = 0; h < 2; ++h) {
      const int64_t end = h == 0 ? half : steps, all = h == 0 ? half : steps - half;
      const int64_t pieces = (all + kind.chunk_steps - 1) / kind.chunk_steps;
      for (int64_t piece = 0; piece < pieces; ++piece) {  // of almost one size
        const int64_t begin = end - all + all * piece / pieces, n_steps = end - all + all * (piece + 1) / pieces - begin;
        const int64_t ahead = n_steps * kind.step_bytes + (begin + n_steps < steps ? 0 : (P - 1) * stride);
        for (int p = 0; p < P; ++p) {
          const std::byte* w = a.weights + (panel + (p < n ? p : 0)) * stride + begin * kind.step_bytes;
          kind.expand(w, n_steps, buffers, p, chunk);
          chunk.fetch[p] = w + ahead;
        }
        chunk.fetch_stride = kind.step_k == 1 ? kind.step_bytes : kind.step_bytes * kQBlock / kind.step_k;
        for (int64_t done = 0; done < tokens;) {  // the last tile reaches back over tokens that are done
          const int64_t left = tokens - done;
          const int m = left == kLast                                     ? kLast
                        : left > kTileTokens - 2 && tokens >= kTileTokens ? kTileTokens
                        : left > 2 && tokens >= 4                         ? kFour
                                                                          : 2;
          const int64_t over = left < m ? m - left : 0, t = done - over;
          const auto tile = m == kLast ? kind.last : m == kTileTokens ? kind.full : m == kFour ? kind.four : kind.two;
          tile(a, kind, chunk, begin * kind.step_k, n_steps * kind.step_k, token + t, over, acc[h] + t * P * kPanelRows);
          chunk.fetch_stride = 0;
          if (begin + n_steps == steps) {  // stored here, while the next tile is worked on, not all at the end
            const int64_t at = done * P * kPanelRows;
            for (int p = 0; p < n; ++p)
              finish_panel(a, panel + p, token + done, m - over, acc[0] + at + p * kPanelRows, acc[1] + at + p * kPanelRows);
          }
          done = t + m;
        }
      }
    }
  }
}

using OneToken = void (*)(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t);

void run(const LinearArgs& a, const Kind& kind, OneToken one, int64_t activation_bytes, int64_t panel_begin, int64_t panel_end,
         int64_t token_begin, int64_t token_end) {
  if (token_end - token_begin == 1) {
    for (int64_t panel = panel_begin; panel < panel_end; panel += P)
      one(a, panel, panel_end - panel < P ? panel_end - panel : P, panel + P >= panel_end, token_begin);
    return;
  }
  int64_t tokens = kTileActivationBytes / (activation_bytes + 1) / kTileTokens * kTileTokens;
  tokens = tokens < 2 * kTileTokens ? 2 * kTileTokens : tokens > kMaxTokens ? kMaxTokens : tokens;
  for (int64_t t = token_begin; t < token_end; t += tokens)
    several_tokens(a, kind, panel_begin, panel_end, t, token_end - t < tokens ? token_end - t : tokens);
}

template <tensor::DType type>
void linear(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  using F = Format<type>;
  using Dot = typename F::Dot;
  static constexpr Kind kKind = {F::kUnitBytes,
                                 kQBlock * F::kBlocks,
                                 kChunkBlocks / F::kBlocks,
                                 F::kLayout.zero,
                                 expand<type>,
                                 block_tile<Dot, F::kSubs, F::kLayout.minima, kLast>,
                                 block_tile<Dot, F::kSubs, F::kLayout.minima, kTileTokens>,
                                 block_tile<Dot, F::kSubs, F::kLayout.minima, kFour>,
                                 block_tile<Dot, F::kSubs, F::kLayout.minima, 2>};
  run(a, kKind, one_token<type>, a.cols, panel_begin, panel_end, token_begin, token_end);
}

template <class T>
void expand_floats(const std::byte* w, int64_t, Buffers&, int p, Chunk& chunk) {
  chunk.weights[p] = w;  // converted as they are loaded
}

template <class T>
void linear_float(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  static constexpr Kind kKind = {
      T::kStepBytes,   1, kChunkFloats, 0, expand_floats<T>, float_tile<T, kLast>, float_tile<T, kTileTokens>, float_tile<T, kFour>,
      float_tile<T, 2>};
  run(a, kKind, one_token_float<T>, a.cols * 4, panel_begin, panel_end, token_begin, token_end);
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
