// Matrix times activations on packed panels. Lanes are rows, so there is no horizontal sum; each output has the two chains of
// kernels.h (halves of K).
//  A few tokens: linear_few-inl.h, as often as needed; all but the first find the panel in the L1 cache.
//  More: a piece of K of each panel is expanded to bytes and float scales in the L1 cache, then one matrix product, the same for all
//  types, runs over all tokens of a tile. Panels outside, tokens inside: every weight is read from memory once per tile.
#pragma once
#include "kernels/panel_read-inl.h"
#include "kernels/table-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int64_t kTileActivationBytes = 256 * 1024;  // of a token tile, half of the smallest L2 in use
constexpr int64_t kMaxTokens = 72;                    // of a token tile

template <class Dot>
constexpr int64_t kGroupBytes = Prepared<Dot> ? 128 : 64;  // of 16 rows x 4 k, expanded
constexpr int64_t kChunkBlocks = 12, kChunkFloats = 96;    // expanded at a time, of 32 k or one k

// A piece of K of kTilePanels panels, ready for the product.
struct Chunk {
  const std::byte* weights[kTilePanels];  // bytes [16 rows][4 k] per group of 4 k; float types: floats [16 rows] per k
  int64_t stride;                         // from one block of 32 to the next (float types: unused)
  const float* scale[kTilePanels];        // [blocks][subs][16], and kToMinimum further on the minima (with Prepared: int32 starts)
  const std::byte* fetch[kTilePanels];    // packed weights that come next, for the first tile to fetch
  int64_t fetch_stride;                   // of each of its steps (a block of 32 or one k); 0: it is done
};
constexpr int64_t kToMinimum = kChunkBlocks * 2 * kPanelRows;
struct Buffers {
  alignas(64) std::byte weights[kTilePanels][kChunkBlocks * 8 * kGroupBytes<DotOf<8>>];
  alignas(64) float scale[kTilePanels][2 * kToMinimum];
  alignas(64) float acc[2][kMaxTokens * kPanelFloats];  // [half of K][token][kTilePanels][16]
};
static_assert(sizeof(Buffers) <= kScratchBytes);

constexpr int kFour = kTileTokens < 4 ? kTileTokens : 4;
constexpr int kLast = kTileTokens == 6 ? 8 : kTileTokens;  // rather than 6 and 2; the chains then lie in the L1 cache

// What `linear_many` must know of a type. A step is a unit of blocks, or one k of a float type.
struct ManyKernels {
  int64_t step_bytes, step_k, chunk_steps;
  int zero;  // 0 with minima
  // n steps at w into panel p of the buffers, and how to read them.
  void (*expand)(const std::byte* w, int64_t n, Buffers& to, int p, Chunk& chunk);
  // k from k0 of kLast, kTileTokens, 4 or 2 tokens from t; acc: [token][kTilePanels][16], continued. Results before `first` are not kept.
  using Tile = void (*)(const LinearArgs& a, const ManyKernels& many, const Chunk& chunk, int64_t k0, int64_t n_k, int64_t t, int64_t first,
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
    const F32x16 d = F::d(w);
    F32x16 m = d;
    if constexpr (F::kLayout.minima) m = F::m(w);
    for (int64_t sub = 0; sub < F::kBlocks * F::kSubs; ++sub, scale += kPanelRows) {
      store(scale, F::scale(w, d, sub));
      if constexpr (F::kLayout.minima) store(scale + kToMinimum, F::minimum(w, m, sub));
    }
    if constexpr (!kInPlace) {
      for (int64_t j = 0; j < F::kBlocks; ++j, bytes += 8 * kGroupBytes<Dot>) {
        const std::byte* quants = w + F::kHeaderBytes + j * F::kBlockBytes;
        if constexpr (Prepared<Dot>) {
          static_assert(F::kSubs == 1);
          typename Dot::Sum start = {};
          unroll<8>([&](auto g) RUSTML_LAMBDA {
            const auto weights = Dot::weights(F::template group<g.value>(quants));
            Dot::missing(start, weights);
            Dot::store_weights(bytes + g.value * kGroupBytes<Dot>, weights);
          });
          store_bytes(reinterpret_cast<std::byte*>(scale + (j - F::kBlocks) * kPanelRows + kToMinimum), start);
        } else {
          unroll<8>([&](auto g) RUSTML_LAMBDA { store_bytes(bytes + 64 * g.value, F::template group<g.value>(quants)); });
        }
      }
    }
  }
}

template <int M>
RUSTML_INLINE void load_tile(const float* acc, F32x16 (&chain)[kTilePanels][M]) {
  RUSTML_UNROLL for (int m = 0; m < M; ++m) {
    RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) chain[p][m] = load(acc + m * kPanelFloats + p * kPanelRows);
  }
}
template <int M>
RUSTML_INLINE void store_tile(float* acc, int64_t first, const F32x16 (&chain)[kTilePanels][M]) {
  RUSTML_UNROLL for (int m = 0; m < M; ++m) {
    if (m < first) continue;
    RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) store(acc + m * kPanelFloats + p * kPanelRows, chain[p][m]);
  }
}

// Adds the products of sub-block s of a block, M tokens, to `sum`. x: the first token's block, those of the others x_stride further on.
template <class Dot, int kSubs, int s, int M>
RUSTML_INLINE void add_products(const std::byte* const (&weights)[kTilePanels], const int8_t* x, int64_t x_stride,
                                typename Dot::Sum (&sum)[kTilePanels][M]) {
  unroll<8 / kSubs>([&](auto nth) RUSTML_LAMBDA {
    constexpr int g = s * 4 + nth.value;
    typename Dot::Weights w[kTilePanels];
    RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) {
      const std::byte* from = weights[p] + kGroupBytes<Dot> * g;
      if constexpr (Prepared<Dot>) {
        w[p] = Dot::load_weights(from);
      } else {
        w[p] = Dot::weights(load_bytes(from));
      }
    }
    RUSTML_UNROLL for (int m = 0; m < M; ++m) {
      const auto x4 = broadcast4(x + m * x_stride + 4 * g);
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) Dot::template step<nth.value>(sum[p][m], w[p], x4);
    }
  });
}

template <class Dot, int kSubs, bool kMinima, int M>
__attribute__((noinline)) void block_tile(const LinearArgs& a, const ManyKernels& many, const Chunk& chunk, int64_t k0, int64_t n_k,
                                          int64_t t, int64_t first, float* acc) {
  const int64_t cols = a.cols, blocks = cols / kQBlock, stride = chunk.stride;
  const int8_t* x = a.xq + t * cols + k0;
  const float* xd = a.xd + t * blocks + k0 / kQBlock;
  const int32_t* xsum = a.xsum + t * blocks + k0 / kQBlock;
  const std::byte* weights[kTilePanels];
  const float* scales[kTilePanels];
  RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) weights[p] = chunk.weights[p], scales[p] = chunk.scale[p];
  const int zero_point = many.zero;
  const int64_t fetch = chunk.fetch_stride;
  F32x16 chain[kTilePanels][M];
  load_tile(acc, chain);
  for (int64_t b = 0; b < n_k / kQBlock; ++b, x += kQBlock, ++xd, ++xsum) {
    if (fetch != 0) {
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) prefetch_range(address(chunk.fetch[p], b * fetch), fetch);
    }
    unroll<kSubs>([&](auto s) RUSTML_LAMBDA {
      typename Dot::Sum sum[kTilePanels][M];
      RUSTML_UNROLL for (int m = 0; m < M; ++m) {
        if constexpr (Prepared<Dot>) {
          RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) sum[p][m] =
              Dot::start(load_bytes(reinterpret_cast<const std::byte*>(scales[p] + kToMinimum)));
        } else {
          const auto c = kMinima ? weighted(0, 0) : weighted(xsum[m * blocks], sum_factors(kSubs, s.value, -zero_point));
          RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) sum[p][m] = Dot::start(c);
        }
      }
      add_products<Dot, kSubs, s.value>(weights, x, cols, sum);
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) {
        const F32x16 scale = load(scales[p]);
        RUSTML_UNROLL for (int m = 0; m < M; ++m) chain[p][m] = fma(Dot::finish(sum[p][m]), scale * set1(xd[m * blocks]), chain[p][m]);
      }
      if constexpr (kMinima) {
        RUSTML_UNROLL for (int m = 0; m < M; ++m) {
          const F32x16 xsums = set1(xd[m * blocks]) * as_floats(weighted(xsum[m * blocks], sum_factors(kSubs, s.value, 1)));
          RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) chain[p][m] = fma(load(scales[p] + kToMinimum), xsums, chain[p][m]);
        }
      }
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) scales[p] += kPanelRows;
    });
    RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) weights[p] += stride;
  }
  store_tile(acc, first, chain);
}

template <tensor::DType type, int M>
__attribute__((noinline)) void float_tile(const LinearArgs& a, const ManyKernels&, const Chunk& chunk, int64_t k0, int64_t n_k, int64_t t,
                                          int64_t first, float* acc) {
  using F = FloatFormat<type>;
  const int64_t cols = a.cols;
  const float* x = a.xf + t * cols + k0;
  const int64_t fetch = chunk.fetch_stride;
  F32x16 chain[kTilePanels][M];
  load_tile(acc, chain);
  for (int64_t k = 0; k < n_k; ++k) {
    if (fetch != 0) {
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) __builtin_prefetch(address(chunk.fetch[p], k * fetch));
    }
    F32x16 w[kTilePanels];
    RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) w[p] = F::load_row(chunk.weights[p] + k * F::kStepBytes);
    RUSTML_UNROLL for (int m = 0; m < M; ++m) {
      const F32x16 xk = set1(x[m * cols + k]);
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) chain[p][m] = fma(w[p], xk, chain[p][m]);
    }
  }
  store_tile(acc, first, chain);
}

void read_in_place(const std::byte* w, int64_t, Buffers&, int p, Chunk& chunk) { chunk.weights[p] = w; }  // converted as they are loaded

// Expanded type by type, multiplied alike: `tokens` tokens of LinearArgs from t, panels [panel_begin, panel_end).
void linear_many(const LinearArgs& a, const ManyKernels& many, int64_t panel_begin, int64_t panel_end, int64_t token, int64_t tokens) {
  Buffers& buffers = *reinterpret_cast<Buffers*>(a.scratch);
  auto& acc = buffers.acc;
  Chunk chunk;
  const int64_t steps = a.cols / many.step_k, half = (steps + 1) / 2, stride = steps * many.step_bytes;
  for (int64_t panel = panel_begin; panel < panel_end; panel += kTilePanels) {
    const int64_t n = panel_end - panel < kTilePanels ? panel_end - panel : kTilePanels;
    for (auto& chain : acc) __builtin_memset(chain, 0, static_cast<size_t>(tokens * kPanelFloats) * sizeof(float));
    for (int h = 0; h < 2; ++h) {
      const int64_t end = h == 0 ? half : steps, all = h == 0 ? half : steps - half;
      const int64_t pieces = (all + many.chunk_steps - 1) / many.chunk_steps;
      for (int64_t piece = 0; piece < pieces; ++piece) {  // of almost one size
        const int64_t begin = end - all + all * piece / pieces, n_steps = end - all + all * (piece + 1) / pieces - begin;
        const int64_t ahead = n_steps * many.step_bytes + (begin + n_steps < steps ? 0 : (kTilePanels - 1) * stride);
        for (int p = 0; p < kTilePanels; ++p) {
          const std::byte* w = a.weights + (panel + (p < n ? p : 0)) * stride + begin * many.step_bytes;
          many.expand(w, n_steps, buffers, p, chunk);
          chunk.fetch[p] = address(w, ahead);
        }
        chunk.fetch_stride = many.step_k == 1 ? many.step_bytes : many.step_bytes * kQBlock / many.step_k;
        for (int64_t done = 0; done < tokens;) {  // the last tile reaches back over tokens that are done
          const int64_t left = tokens - done;
          const int m = left == kLast                                     ? kLast
                        : left > kTileTokens - 2 && tokens >= kTileTokens ? kTileTokens
                        : left > 2 && tokens >= 4                         ? kFour
                                                                          : 2;
          const int64_t over = left < m ? m - left : 0, t = done - over;
          const auto tile = m == kLast ? many.last : m == kTileTokens ? many.full : m == kFour ? many.four : many.two;
          tile(a, many, chunk, begin * many.step_k, n_steps * many.step_k, token + t, over, &acc[h][t * kPanelFloats]);
          chunk.fetch_stride = 0;
          if (begin + n_steps == steps) {  // stored here, while the next tile is worked on, not all at the end
            const int64_t at = done * kPanelFloats;
            for (int p = 0; p < n; ++p)
              finish_panel(a, panel + p, token + done, m - over, &acc[0][at + p * kPanelRows], &acc[1][at + p * kPanelRows]);
          }
          done = t + m;
        }
      }
    }
  }
}

// The same for up to kFewTokens tokens.
void linear_few(const LinearArgs& a, tensor::DType type, const ManyKernels& many, int64_t panel_begin, int64_t panel_end,
                int64_t token_begin, int64_t n_tokens) {
  const int64_t groups = (n_tokens + kFewAtOnce - 1) / kFewAtOnce;  // of almost one size; the first fetches the panel for all
  const int64_t steps = a.cols / many.step_k, half = (steps + 1) / 2, stride = steps * many.step_bytes;
  FetchDistance fetch(side_by_side(n_tokens) ? half : steps, many.step_bytes);
  alignas(64) float sums[2 * kFewAtOnce * kPanelFloats];
  for (int64_t panel = panel_begin; panel < panel_end; panel += kTilePanels) {
    const int64_t n = panel_end - panel < kTilePanels ? panel_end - panel : kTilePanels;
    const std::byte* w = a.weights + panel * stride;
    fetch.set(w, panel + kTilePanels < panel_end ? w + kTilePanels * stride : a.next != nullptr ? a.next : w);
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t t = n_tokens * g / groups, m = n_tokens * (g + 1) / groups - t;
      const FewKernel kernel = kFewKernels.of[static_cast<int>(type)][m - 1];
      const FewPanels panels{a, w, n == kTilePanels ? stride : 0, token_begin + t, steps, fetch};
      float* second = sums + m * kPanelFloats;
      kernel(panels, 0, both_halves(m) ? steps : half, sums);
      if (!both_halves(m)) kernel(panels, half, steps, second);
      for (int64_t p = 0; p < n; ++p) finish_panel(a, panel + p, token_begin + t, m, sums + p * kPanelRows, second + p * kPanelRows);
    }
  }
}

void linear_tokens(const LinearArgs& a, tensor::DType type, const ManyKernels& many, int64_t activation_bytes, int64_t panel_begin,
                   int64_t panel_end, int64_t token_begin, int64_t token_end) {
  if (token_end - token_begin <= kFewTokens) return linear_few(a, type, many, panel_begin, panel_end, token_begin, token_end - token_begin);
  int64_t tokens = kTileActivationBytes / (activation_bytes + 1) / kTileTokens * kTileTokens;
  tokens = tokens < 2 * kTileTokens ? 2 * kTileTokens : tokens > kMaxTokens ? kMaxTokens : tokens;
  for (int64_t t = token_begin; t < token_end; t += tokens) {
    if (token_end - t == 1) return linear_few(a, type, many, panel_begin, panel_end, t, 1);  // no tile is so small
    linear_many(a, many, panel_begin, panel_end, t, token_end - t < tokens ? token_end - t : tokens);
  }
}

template <tensor::DType type>
constexpr ManyKernels many_kernels() {
  if constexpr (is_float(type)) {
    return {FloatFormat<type>::kStepBytes,
            1,
            kChunkFloats,
            0,
            read_in_place,
            float_tile<type, kLast>,
            float_tile<type, kTileTokens>,
            float_tile<type, kFour>,
            float_tile<type, 2>};
  } else {
    using F = Format<type>;
    constexpr bool kMinima = F::kLayout.minima;
    return {F::kUnitBytes,
            kQBlock * F::kBlocks,
            kChunkBlocks / F::kBlocks,
            F::kLayout.zero,
            expand<type>,
            block_tile<typename F::Dot, F::kSubs, kMinima, kLast>,
            block_tile<typename F::Dot, F::kSubs, kMinima, kTileTokens>,
            block_tile<typename F::Dot, F::kSubs, kMinima, kFour>,
            block_tile<typename F::Dot, F::kSubs, kMinima, 2>};
  }
}

template <tensor::DType type>
void linear(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  static constexpr ManyKernels kMany = many_kernels<type>();
  linear_tokens(a, type, kMany, is_float(type) ? a.cols * 4 : a.cols, panel_begin, panel_end, token_begin, token_end);
}

}  // namespace

constinit const KernelTable kTable = make_table(kTargetName, [](auto type) { return linear<type.value>; });

}  // namespace rustml::kernels::RUSTML_TARGET
