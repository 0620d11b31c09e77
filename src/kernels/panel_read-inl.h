// What the matrix products of linear_few-inl.h, linear-inl.h and linear_amx-inl.h share: how a target reads each type's packed panels
// (layout.h), and how the two chains of an output (kernels.h) become the output.
#pragma once
#include "kernels/kernels.h"
#include "kernels/layout.h"
#include "kernels/raw-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

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

// A block type.
template <tensor::DType type>
struct Format {
  static constexpr Layout kLayout = layout_of(type);
  static constexpr int kBits = kLayout.bits, kBlocks = kLayout.blocks(), kSubs = kLayout.subs();
  static constexpr int64_t kHeaderBytes = kLayout.header_bytes(), kBlockBytes = kLayout.block_bytes(), kUnitBytes = kLayout.unit_bytes();
  using Dot = DotOf < kLayout.sub == 16 && kLayout.integer_bits<6 ? 6 : kLayout.integer_bits>;  // Q2_K and Q3_K share the code of Q6_K

  // The integers of k-group g of the block at q.
  template <int g>
  static RUSTML_INLINE I8x64 group(const std::byte* q) {
    if constexpr (kLayout.codebook != nullptr) {
      return look_up(kLayout.codebook->of, stored<g>(q));
    } else {
      return stored<g>(q);
    }
  }
  // The numbers as they are stored.
  template <int g>
  static RUSTML_INLINE I8x64 stored(const std::byte* q) {
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
  static RUSTML_INLINE F32x16 d(const std::byte* unit) {
    if constexpr (kLayout.unit == 1) return load_f16(unit);
    return load_f16(unit) * set1(kLayout.unit);
  }
  static RUSTML_INLINE F32x16 m(const std::byte* unit) { return load_f16(unit + 32); }
  // Scale and minimum of sub-block `sub` of the unit.
  static RUSTML_INLINE F32x16 scale(const std::byte* unit, F32x16 d, int64_t sub) {
    if constexpr (!kLayout.super) return d;
    return d * load_i8(reinterpret_cast<const int8_t*>(unit + 64 + 16 * sub));
  }
  static RUSTML_INLINE F32x16 minimum(const std::byte* unit, F32x16 m, int64_t sub) {
    if constexpr (!kLayout.super) return m;
    return m * load_i8(reinterpret_cast<const int8_t*>(unit + 64 + 16 * (kLayout.scales() + sub)));
  }
};

// A float type: bytes of one k of a panel, and its 16 weights.
template <tensor::DType type>
struct FloatFormat {
  static constexpr int kStepBytes = type == tensor::DType::f32 ? 64 : 32;
  static RUSTML_INLINE F32x16 load_row(const std::byte* p) {
    if constexpr (type == tensor::DType::f32) return load(reinterpret_cast<const float*>(p));
    if constexpr (type == tensor::DType::f16) return load_f16(p);
    if constexpr (type == tensor::DType::bf16) return load_bf16(p);
  }
};
constexpr bool is_float(tensor::DType type) { return layout_of(type).bits == 0; }

constexpr int64_t kPanelFloats = kTilePanels * kPanelRows;  // of one token: the panels that are worked on together

// out = first + second + bias: the rows of one panel, tokens from t; first and second: [token][kTilePanels][16].
RUSTML_INLINE void finish_panel(const LinearArgs& args, int64_t panel, int64_t t, int64_t tokens, const float* first, const float* second) {
  const LinearArgs a = args;  // nothing stored here can change it
  const int64_t row = panel * kPanelRows, n = a.rows - row < kPanelRows ? a.rows - row : kPanelRows;
  const F32x16 bias = a.bias != nullptr ? load_first(a.bias + row, n) : zero();
  float* out = a.out + t * a.out_stride + row;
  for (int64_t i = 0; i < tokens; ++i, out += a.out_stride, first += kPanelFloats, second += kPanelFloats) {
    F32x16 result = load(first) + load(second);
    if (a.bias != nullptr) result = result + bias;
    if (a.accumulate) result = load_first(out, n) + result;
    store_first(out, result, n);
  }
}

// Up to kFewTokens tokens read the packed panels themselves (linear_few-inl.h), at most kFewAtOnce at a time.
constexpr int kFewAtOnce = kFewTokens < 4 ? kFewTokens : 4;
// One token reads both halves of K side by side, where there are two streams.
constexpr bool side_by_side(int64_t tokens) { return tokens == 1 && kStreams == 2; }
// One or two tokens wait for memory: both halves are one call, with a loop for each. On Zen 5, one loop for both, taken in turns, reads
// up to a third slower. With more tokens one loop needs fewer registers and half of the code, and is up to a fifth faster.
constexpr bool both_halves(int64_t tokens) { return tokens <= 2; }
// One token: how far ahead each stream of weights is fetched, as measured on Xeons (four streams) and on Zen 3 (one).
constexpr int64_t kPrefetchBytes = kStreams == 2 ? 4096 : 2048;

}  // namespace

// Where the weights are fetched from, relative to the place that is read: some steps ahead, and near the end of a stream (a panel, or
// each half of it) in the same stream of what comes next.
struct FetchDistance {
  int64_t length, steps, within, behind, beyond = 0;
  FetchDistance(int64_t stream_steps, int64_t step_bytes) : length(stream_steps) {
    steps = kPrefetchBytes / step_bytes < length ? kPrefetchBytes / step_bytes : length;
    within = steps * step_bytes;
    behind = within - length * step_bytes;
  }
  // From panels at w, behind which `next` is read, perhaps of another array: so numbers are subtracted.
  void set(const std::byte* w, const std::byte* next) {
    beyond = static_cast<int64_t>(reinterpret_cast<uintptr_t>(next) - reinterpret_cast<uintptr_t>(w)) + behind;
  }
  RUSTML_INLINE int64_t at(int64_t step) const { return step + steps < length ? within : beyond; }
};

// kTilePanels panels and the tokens from t, all of K. A step is a unit of blocks, or one k of a float type.
struct FewPanels {
  const LinearArgs& args;
  const std::byte* weights;
  int64_t second_panel;  // from the first one; an absent second is the first
  int64_t t, steps;
  const FetchDistance& fetch;
};
// The chains of M tokens over steps [begin, end), to [M][kTilePanels][16]; of both halves of K, to [2][M][kTilePanels][16].
using FewKernel = void (*)(const FewPanels& panels, int64_t begin, int64_t end, float* sums);
struct FewKernels {
  FewKernel of[tensor::kDTypeCount][kFewAtOnce];  // by type of the weights and M - 1
};
extern const FewKernels kFewKernels;

}  // namespace rustml::kernels::RUSTML_TARGET
