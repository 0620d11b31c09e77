// Matrix times activations of many tokens on AMX tiles: 16 tokens x 16 rows x one sub-block of K per instruction. A panel's
// expanded bytes [4 k][16 rows][4] are already the tile of the right operand, activations in tiles (kernels.h) that of the left.
//  A piece of K of one panel is expanded to signed bytes and float scales in the L1 cache, then runs over all token tiles. Sums of
//  a sub-block leave the tile through memory and are added to 16 float chains (one per token, lanes are rows) in the order of
//  kernels.h, while the tile unit works on the next sub-block. A processor that has just executed an AMX instruction, whichever, works
//  on 512-bit floats with one of its two ports for about 100 cycles (measured on a Xeon of 2023): 48 conversions, products and additions
//  per step, 64 with minima, are what a step costs at least, so what else a step needs is kept small.
// A thread's tile state exists only while it is in `linear_tiled`.
#pragma once
#include "kernels/panel_read-inl.h"
#include "kernels/quantize-inl.h"
#include "kernels/table-inl.h"
#ifndef RUSTML_RAW_TILES_HEADER  // the tests have an emulated one
#define RUSTML_RAW_TILES_HEADER "kernels/raw_amx-inl.h"
#endif
#include RUSTML_RAW_TILES_HEADER

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int64_t kAmxTokens = kActivationTile, kAmxMaxTiles = 16;
constexpr int64_t kAmxChunkBlocks = 24;
constexpr int64_t kAccStride = kPanelFloats;  // floats per token, as finish_panel has it: both halves of K
static_assert(kTilePanels == 2);
constexpr int64_t kAmxFactors = 16384;  // floats: what minima are multiplied by, of the token tiles in work, all of K

// The tiles' shapes (Intel's palette 1). Tile 1: activations [tokens][sub]; 2: weights [sub / 4][16][4]; 0, 3, 4, 5: sums
// [tokens][16 rows].
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
  TileConfig(int sub, int64_t tokens) {
    const auto n = static_cast<uint8_t>(tokens);
    for (int i = 0; i < 6; ++i) rows[i] = n, row_bytes[i] = 64;
    row_bytes[1] = static_cast<uint16_t>(sub);
    rows[2] = static_cast<uint8_t>(sub / 4);
  }
};

// Which tile takes the sums of a product, by its phase.
constexpr int kSumTiles[4] = {0, 3, 4, 5};
using Sums = int32_t[kAmxTokens * kPanelRows];

// A piece of K of one panel, expanded. A step is a sub-block.
struct AmxChunk {
  alignas(64) std::byte weights[kAmxChunkBlocks * 512];
  alignas(64) float scale[kAmxChunkBlocks * 2 * kPanelRows], minimum[kAmxChunkBlocks * 2 * kPanelRows];
};

struct AmxScratch {
  AmxChunk chunk;
  alignas(64) float acc[kAmxMaxTiles][kAmxTokens * kAccStride];
  alignas(64) float minimums[kAmxFactors];
};
static_assert(sizeof(AmxScratch) <= kScratchBytes);

template <tensor::DType type>
void expand_signed(const std::byte* w, int64_t units, AmxChunk& to) {
  using F = Format<type>;
  std::byte* bytes = to.weights;
  int64_t step = 0;
  for (int64_t u = 0; u < units; ++u, w += F::kUnitBytes) {
    const F32x16 d = F::d(w);
    F32x16 m = d;
    if constexpr (F::kLayout.minima) m = F::m(w);
    for (int64_t sub = 0; sub < F::kBlocks * F::kSubs; ++sub, ++step) {
      store(to.scale + step * kPanelRows, F::scale(w, d, sub));
      if constexpr (F::kLayout.minima) store(to.minimum + step * kPanelRows, F::minimum(w, m, sub));
    }
    for (int64_t j = 0; j < F::kBlocks; ++j, bytes += 512) {
      const std::byte* quants = w + F::kHeaderBytes + j * F::kBlockBytes;
      unroll<8>([&](auto g) RUSTML_LAMBDA {
        I8x64 q = F::template group<g.value>(quants);
        if constexpr (F::kLayout.zero != 0) q = _mm512_sub_epi8(q, _mm512_set1_epi8(static_cast<char>(F::kLayout.zero)));
        store_bytes(bytes + 64 * g.value, q);
      });
    }
  }
}

// What the minima of a token tile are multiplied by, [steps][16]: scale times the sub-block's sum. d, sum: [blocks][16].
template <int kSubs>
void minimum_factors(const float* d, const int32_t* sum, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, d += kAmxTokens, sum += kAmxTokens) {
    const F32x16 scale = load(d);
    const __m512i sums = _mm512_loadu_si512(sum);
    unroll<kSubs>([&](auto s) RUSTML_LAMBDA {
      const __m512i chosen = _mm512_dpwssd_epi32(_mm512_setzero_si512(), sums, _mm512_set1_epi32(sum_factors(kSubs, s.value, 1)));
      store(out, scale * as_floats(chosen));
      out += kAmxTokens;
    });
  }
}

// Steps of a chunk for one token tile and one half of K.
struct Segment {
  int64_t begin, steps;  // in the chunk
  const int8_t* x;       // its first block of activations, [blocks][16 tokens][32]
  const float* scale;    // of the activations, [blocks][16]
  const float* minimum;  // what minima are multiplied by, [steps][16]
  const float* from;     // the chains so far, and where they go: [16 tokens][2 halves of K][16 rows]
  float* to;
  const float* done;      // the tile's chains if this is its end, else null
  int64_t token, tokens;  // the tile's first, and how many of its 16 there are
};
alignas(64) constexpr float kNoChains[kAmxTokens * kAccStride] = {};
using Chains = F32x16[kAmxTokens];

// Where the pipeline's end is that loads tiles. Behind the last segment it repeats it.
struct TileLoader {
  const std::byte* weights;
  const Segment *segment, *last;
  int64_t left, advance;  // steps of the segment; bytes to the next step's activations
  const int8_t* x;
  const std::byte* w;
};
template <int64_t step_k>
RUSTML_INLINE void begin_segment(TileLoader& l) {
  l.left = l.segment->steps, l.x = l.segment->x, l.w = l.weights + l.segment->begin * step_k * kPanelRows;
  l.advance = step_k == kQBlock ? kAmxTokens * kQBlock : step_k;
}
template <int64_t step_k>
RUSTML_INLINE void load_next(TileLoader& l) {
  load_tiles<1, 2>(l.x, kQBlock, l.w, 64);
  l.x += l.advance, l.w += step_k * kPanelRows;
  if constexpr (step_k != kQBlock) l.advance = kAmxTokens * kQBlock - l.advance;  // to the block's other half, to the next block
  if (--l.left != 0) return;
  l.segment += l.segment != l.last;
  begin_segment<step_k>(l);
}

// Where its other end is, that adds sums to chains.
struct Drain {
  const LinearArgs& args;
  int64_t panel;
  const AmxChunk& chunk;
  const Segment *segment, *last;
  int64_t left;
  const float *weight_scale, *weight_minimum, *scale, *minimum;
};
RUSTML_INLINE void begin_segment(Drain& d, Chains& chain) {
  const Segment& s = *d.segment;
  d.left = s.steps, d.scale = s.scale, d.minimum = s.minimum;
  d.weight_scale = d.chunk.scale + s.begin * kPanelRows, d.weight_minimum = d.chunk.minimum + s.begin * kPanelRows;
  unroll<kAmxTokens>([&](auto i) RUSTML_LAMBDA { chain[i.value] = load(s.from + i.value * kAccStride); });
  if (s.done == nullptr) return;
  // The outputs' lines are in another core's cache, which has read what was there before: asked for now, they are here in time.
  float* out = d.args.out + s.token * d.args.out_stride + d.panel * kPanelRows;
  for (int64_t i = 0; i < s.tokens; ++i, out += d.args.out_stride) __builtin_prefetch(out, 1);
}
template <int kSubs, bool minima>  // false: that was the last
RUSTML_INLINE bool drain_next(Drain& d, const Sums& sums, Chains& chain) {
  const F32x16 scale = load(d.weight_scale), minimum = minima ? load(d.weight_minimum) : scale;
  unroll<kAmxTokens>([&](auto i) RUSTML_LAMBDA {
    const F32x16 isum = as_floats(_mm512_load_si512(sums + i.value * kPanelRows));
    chain[i.value] = fma(isum, scale * set1(d.scale[i.value]), chain[i.value]);
    if constexpr (minima) chain[i.value] = fma(minimum, set1(d.minimum[i.value]), chain[i.value]);
  });
  if constexpr (minima) {
    d.weight_minimum += kPanelRows, d.minimum += kAmxTokens;
  }
  d.weight_scale += kPanelRows;
  --d.left;
  if (kSubs == 1 || d.left % kSubs == 0) d.scale += kAmxTokens;
  if (d.left != 0) return true;
  float* to = d.segment->to;
  unroll<kAmxTokens>([&](auto i) RUSTML_LAMBDA { store(to + i.value * kAccStride, chain[i.value]); });
  if (const float* done = d.segment->done; done != nullptr)  // here, while the next products are under way
    finish_panel(d.args, d.panel, d.segment->token, d.segment->tokens, done, done + kPanelRows);
  if (d.segment == d.last) return false;
  ++d.segment;
  begin_segment(d, chain);
  return true;
}

// All segments as one sequence of products, so that there is no gap between them. Of step i the product is begun, of i - 2 the
// sums leave their tile, of i - 3 they are added to the chains: so none waits for the other (measured: 25 ns a step at 0, 0, 1;
// 17 so). fetch: packed weights that come next, `fetch_bytes` per step.
template <int kSubs, bool minima>
__attribute__((noinline)) void amx_segments(const LinearArgs& a, int64_t panel, const AmxChunk& chunk, const Segment* segments, int64_t n,
                                            const std::byte* fetch, int64_t fetch_bytes) {
  constexpr int64_t kStepK = kQBlock / kSubs;
  alignas(64) Sums sums[2] = {};
  Chains chain;
  TileLoader loader{chunk.weights, segments, segments + n - 1, 0, 0, nullptr, nullptr};
  Drain drain{a, panel, chunk, segments, segments + n - 1, 0, nullptr, nullptr, nullptr, nullptr};
  begin_segment<kStepK>(loader);
  load_next<kStepK>(loader);
  multiply_tiles<kSumTiles[1], 1, 2>();
  load_next<kStepK>(loader);
  multiply_tiles<kSumTiles[2], 1, 2>();
  load_next<kStepK>(loader);
  store_tile<kSumTiles[1]>(sums[1], 64);
  multiply_tiles<kSumTiles[3], 1, 2>();
  begin_segment(drain, chain);
  for (;;) {
    bool more = true;
    unroll<4>([&](auto phase) RUSTML_LAMBDA {
      if (!more) return;
      load_next<kStepK>(loader);
      store_tile<kSumTiles[(phase.value + 2) % 4]>(sums[phase.value % 2], 64);
      multiply_tiles<kSumTiles[phase.value], 1, 2>();
      for (int64_t line = 0; line < fetch_bytes; line += kLineBytes) __builtin_prefetch(address(fetch, line));
      fetch = address(fetch, fetch_bytes);
      more = drain_next<kSubs, minima>(drain, sums[(phase.value + 1) % 2], chain);
    });
    if (!more) return;
  }
}

// The segments of a chunk that holds units [begin, end) of a panel: of each of the n token tiles from tile_begin, in the order of K.
// half: the unit that the second chain begins with.
template <tensor::DType type>
int64_t make_segments(const LinearArgs& a, AmxScratch& scratch, int64_t tile_begin, int64_t n, int64_t begin, int64_t end, int64_t half,
                      int64_t token_end, Segment* segments) {
  using F = Format<type>;
  constexpr int64_t kUnitSteps = F::kBlocks * F::kSubs;
  const int64_t blocks = a.cols / kQBlock, units = blocks / F::kBlocks, cut = half < begin ? begin : half < end ? half : end;
  int64_t n_segments = 0;
  const auto add = [&](int64_t i, int64_t u, int64_t u_end, int64_t h) {
    if (u == u_end) return;
    float* chains = scratch.acc[i] + h * kPanelRows;
    const int64_t at = ((tile_begin + i) * blocks + u * F::kBlocks) * kAmxTokens, token = (tile_begin + i) * kAmxTokens;
    segments[n_segments++] = {(u - begin) * kUnitSteps,
                              (u_end - u) * kUnitSteps,
                              a.xq + at * kQBlock,
                              a.xd + at,
                              F::kLayout.minima ? scratch.minimums + (i * units + u) * kUnitSteps * kAmxTokens : nullptr,
                              u == 0 || u == half ? kNoChains : chains,
                              chains,
                              u_end == units ? scratch.acc[i] : nullptr,
                              token,
                              token_end - token < kAmxTokens ? token_end - token : kAmxTokens};
  };
  for (int64_t i = 0; i < n; ++i) {
    add(i, begin, cut, 0);
    add(i, cut, end, 1);
  }
  return n_segments;
}

template <tensor::DType type>
void linear_tiled(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  using F = Format<type>;
  constexpr bool kMinima = F::kLayout.minima;
  constexpr int64_t kUnitSteps = F::kBlocks * F::kSubs;
  const int64_t blocks = a.cols / kQBlock, units = blocks / F::kBlocks, half = (units + 1) / 2;
  const int64_t pieces = (blocks + kAmxChunkBlocks - 1) / kAmxChunkBlocks;
  const int64_t tile_floats = units * kUnitSteps * kAmxTokens;  // of `minimums`
  const int64_t most = !kMinima ? kAmxMaxTiles : tile_floats * kAmxMaxTiles > kAmxFactors ? kAmxFactors / tile_floats : kAmxMaxTiles;
  const int64_t first_tile = token_begin / kAmxTokens, tiles = (token_end - token_begin + kAmxTokens - 1) / kAmxTokens;
  const int64_t groups = (tiles + most - 1) / most;
  AmxScratch& scratch = *reinterpret_cast<AmxScratch*>(a.scratch);
  if (units == 1) __builtin_memset(scratch.acc, 0, sizeof scratch.acc);  // there is no second half
  const TileConfig config(F::kLayout.sub, kAmxTokens);
  configure_tiles(config);
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t tile_begin = first_tile + tiles * group / groups, n = first_tile + tiles * (group + 1) / groups - tile_begin;
    if constexpr (kMinima) {
      const int64_t at = tile_begin * blocks * kAmxTokens;
      minimum_factors<F::kSubs>(a.xd + at, a.xsum + at, n * blocks, scratch.minimums);
    }
    for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
      for (int64_t piece = 0; piece < pieces; ++piece) {
        const int64_t begin = units * piece / pieces, end = units * (piece + 1) / pieces;
        const std::byte* w = a.weights + (panel * units + begin) * F::kUnitBytes;
        expand_signed<type>(w, end - begin, scratch.chunk);
        Segment segments[2 * kAmxMaxTiles];
        const int64_t n_segments = make_segments<type>(a, scratch, tile_begin, n, begin, end, half, token_end, segments);
        const int64_t bytes = (end - begin) * F::kUnitBytes, lines = bytes / ((end - begin) * kUnitSteps * n) / kLineBytes + 1;
        amx_segments<F::kSubs, kMinima>(a, panel, scratch.chunk, segments, n_segments, w + bytes, lines * kLineBytes);
      }
    }
  }
  release_tiles();
}

template <tensor::DType type>
void linear_amx(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  if constexpr (!is_float(type)) {
    if (a.tiled) return linear_tiled<type>(a, panel_begin, panel_end, token_begin, token_end);
  }
  kTable.linear[static_cast<int>(type)](a, panel_begin, panel_end, token_begin, token_end);
}

void quantize_q8_tiled(const float* x, int64_t n, int64_t token, int8_t* q, float* d, int32_t* sum) {
  const int64_t blocks = n / kQBlock, at = token / kAmxTokens * blocks * kAmxTokens + token % kAmxTokens;
  quantize_row(x, blocks, {q + at * kQBlock, kAmxTokens * kQBlock, d + at, sum + at, kAmxTokens});
}

}  // namespace

// AVX-512's with tiles where they help.
extern const KernelTable kAmxTable;
constinit const KernelTable kAmxTable = [] {
  KernelTable t = make_table("amx", [](auto type) { return linear_amx<type.value>; });
  t.quantize_q8_tiled = quantize_q8_tiled;
  return t;
}();

}  // namespace rustml::kernels::RUSTML_TARGET
