// Matrix times the activations of one to four tokens, straight from packed panels: what a token of an answer waits for. Bound by
// memory, so weights are fetched ahead; one token reads a panel in one stream or, side by side, its two halves.
#pragma once
#include <utility>

#include "kernels/panel_read-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// One token: how far ahead each stream of weights is fetched, as measured on Xeons (four streams) and on Zen 3 (one).
constexpr int64_t kPrefetchBytes = kStreams == 2 ? 4096 : 2048;

// Where the weights are fetched from, relative to the place that is read: some steps ahead, and near the end of a stream (a panel, or
// each half of it) in the same stream of the panels that come next.
struct FetchDistance {
  int64_t steps, within, beyond, length;
  // Of the panels at w, the last ones if `last`: then those of the next matrix come, or none.
  FetchDistance(const LinearArgs& a, const std::byte* w, bool last, int64_t stream_steps, int64_t step_bytes, int64_t stride)
      : length(stream_steps) {
    steps = kPrefetchBytes / step_bytes < length ? kPrefetchBytes / step_bytes : length;
    within = steps * step_bytes;
    const std::byte* next = !last               ? w + kTilePanels * stride
                            : a.next != nullptr ? a.next
                                                : w;  // of another array, so numbers are subtracted
    beyond = static_cast<int64_t>(reinterpret_cast<uintptr_t>(next) - reinterpret_cast<uintptr_t>(w)) + within - length * step_bytes;
  }
  RUSTML_INLINE int64_t at(int64_t step) const { return step + steps < length ? within : beyond; }
};

// One chain, or two side by side, of M tokens x kTilePanels panels.
template <int M, int kCount>
struct FewChains {
  F32x16 of[kCount][M][kTilePanels];
  RUSTML_INLINE FewChains() {
    each_vector([](F32x16& chain, int) RUSTML_LAMBDA { chain = zero(); });
  }
  // To [chain][token][panel][16].
  RUSTML_INLINE void store_at(float* to) {
    each_vector([&](F32x16& chain, int i) RUSTML_LAMBDA { store(to + i * kPanelRows, chain); });
  }

 private:
  template <class F>
  RUSTML_INLINE void each_vector(F f) {
    unroll<kCount * M * kTilePanels>([&](auto i) RUSTML_LAMBDA {
      constexpr int vector = i.value % (M * kTilePanels);
      f(of[i.value / (M * kTilePanels)][vector / kTilePanels][vector % kTilePanels], i.value);
    });
  }
};

__attribute__((noinline)) void finish_few(const LinearArgs& a, int64_t panel, int64_t n, int64_t t, int64_t tokens, const float* sums) {
  for (int64_t p = 0; p < n; ++p, sums += kPanelRows) finish_panel(a, panel + p, t, tokens, sums, sums + tokens * kPanelFloats);
}

// Outputs of M tokens and the panels at w, of `steps` steps each: work(chains, how many of them, step, steps between theirs, where to
// fetch ahead). The two halves of K come one after the other, or side by side.
template <int M, class Work>
RUSTML_INLINE void few_chains(const LinearArgs& a, const std::byte* w, int64_t panel, int64_t n, bool last, int64_t t, int64_t steps,
                              int64_t step_bytes, Work work) {
  constexpr bool kSideBySide = M == 1 && kStreams == 2;
  const int64_t half = (steps + 1) / 2;
  const FetchDistance fetch(a, w, last, kSideBySide ? half : steps, step_bytes, steps * step_bytes);
  float sums[2 * M * kPanelFloats];
  int64_t i = 0;
  if constexpr (kSideBySide) {
    FewChains<M, 2> chains;
    for (; i < steps - half; ++i) work(chains, Index<2>{}, i, half, fetch.at(i));
    if (i < half) work(chains, Index<1>{}, i, 0, fetch.at(i));
    chains.store_at(sums);
  } else {
    for (int h = 0; h < 2; ++h) {
      FewChains<M, 1> chains;
      for (const int64_t end = h == 0 ? half : steps; i < end; ++i) work(chains, Index<1>{}, i, 0, fetch.at(i));
      chains.store_at(sums + h * M * kPanelFloats);
    }
  }
  finish_few(a, panel, n, t, M, sums);
}

// What a step of few_tokens works on: a unit of every panel (an absent second one is the first), or kCount units side by side.
template <tensor::DType type, int kCount>
struct FewUnits {
  using F = Format<type>;
  const std::byte* at[kCount][kTilePanels];
  F32x16 d[kCount][kTilePanels], m[kCount][kTilePanels];
  RUSTML_INLINE FewUnits(const std::byte* w, int64_t second_panel, int64_t apart, int64_t ahead) {
    unroll<kCount * kTilePanels>([&](auto i) RUSTML_LAMBDA {
      constexpr int h = i.value / kTilePanels, p = i.value % kTilePanels;
      const std::byte* unit = at[h][p] = w + p * second_panel + h * apart * F::kUnitBytes;
      prefetch<(F::kHeaderBytes + (F::kBlocks == 1 ? F::kBlockBytes : 0) + kLineBytes - 1) / kLineBytes>(address(unit, ahead));
      d[h][p] = load_f16(unit);
      if constexpr (F::kLayout.minima) m[h][p] = load_f16(unit + 32);
    });
  }
};

// The integer sums of one block of 32 k in each of kCount units, M tokens.
template <tensor::DType type, int M, int kCount>
struct FewSums {
  using F = Format<type>;
  using Dot = typename F::Dot;
  typename Dot::Sum of[kCount][M][kTilePanels][F::kSubs];

  // x: its 32 activations; sums: theirs; of the units' first tokens, x_stride and sums_stride from one token to the next.
  RUSTML_INLINE FewSums(const int8_t* const (&block)[kCount], int64_t x_stride, const int32_t* const (&sums)[kCount], int64_t sums_stride,
                        const std::byte* const (&quants)[kCount][kTilePanels], int64_t ahead) {
    const int8_t* x[kCount][M];
    unroll<kCount * M>([&](auto i) RUSTML_LAMBDA {
      constexpr int h = i.value / M, token = i.value % M;
      x[h][token] = block[h] + token * x_stride;
      if constexpr (M > 2) RUSTML_IN_ORDER("r", x[h][token]);  // else each of its offsets takes a register
      unroll<F::kSubs>([&](auto s) RUSTML_LAMBDA {
        const auto start = Dot::start(weighted(sums[h][token * sums_stride], sum_factors(F::kSubs, s.value, -F::kLayout.zero)));
        unroll<kTilePanels>([&](auto p) RUSTML_LAMBDA { of[h][token][p.value][s.value] = start; });
      });
    });
    unroll<8>([&](auto step) RUSTML_LAMBDA {
      constexpr int g = step.value / 2 + step.value % 2 * 4;  // 0 4 1 5 ..: both groups of a vector of nibbles
      constexpr int s = F::kSubs == 1 ? 0 : g / 4, nth = F::kSubs == 1 ? step.value : g % 4;
      unroll<kCount * kTilePanels>([&](auto i) RUSTML_LAMBDA {
        constexpr int h = i.value / kTilePanels, p = i.value % kTilePanels;
        if constexpr (F::kBlocks > 1 && step.value == 0) prefetch<F::kBits>(address(quants[h][p], ahead));
        const I8x64 stored = F::template group<g>(quants[h][p]);
        unroll<M>([&](auto token) RUSTML_LAMBDA {
          const auto x4 = broadcast4(x[h][token.value] + 4 * g);
          auto& to = of[h][token.value][p][s];
          if constexpr (Prepared<Dot>) {
            Dot::step(to, stored, x4);
          } else {
            Dot::template step<nth>(to, Dot::weights(stored), x4);
          }
        });
      });
    });
  }
};

template <tensor::DType type, int M>
__attribute__((noinline)) void few_tokens(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t) {
  using F = Format<type>;
  const int64_t blocks = a.cols / kQBlock, units = blocks / F::kBlocks, stride = units * F::kUnitBytes;
  const int64_t second_panel = n == kTilePanels ? stride : 0;
  const std::byte* panels = a.weights + panel * stride;
  const auto work = [&](auto& chains, auto count, int64_t u, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
    constexpr int kCount = count.value;
    const FewUnits<type, kCount> unit(panels + u * F::kUnitBytes, second_panel, apart, ahead);
    for (int64_t j = 0; j < F::kBlocks; ++j) {
      const int8_t* x[kCount];
      const float* x_scale[kCount];
      const int32_t* x_sum[kCount];
      const std::byte* quants[kCount][kTilePanels];
      unroll<kCount>([&](auto h) RUSTML_LAMBDA {
        const int64_t block = (u + h.value * apart) * F::kBlocks + j;
        x[h.value] = a.xq + t * a.cols + block * kQBlock;
        x_scale[h.value] = a.xd + t * blocks + block;
        x_sum[h.value] = a.xsum + t * blocks + block;
        unroll<kTilePanels>(
            [&](auto p) RUSTML_LAMBDA { quants[h.value][p.value] = unit.at[h.value][p.value] + F::kHeaderBytes + j * F::kBlockBytes; });
      });
      const FewSums<type, M, kCount> sums(x, a.cols, x_sum, blocks, quants, ahead);
      unroll<kCount * M * F::kSubs>([&](auto i) RUSTML_LAMBDA {
        constexpr int s = i.value % F::kSubs, token = i.value / F::kSubs % M, h = i.value / F::kSubs / M;
        const F32x16 scale = set1(x_scale[h][token * blocks]);
        const F32x16 x_sums = as_floats(weighted(x_sum[h][token * blocks], sum_factors(F::kSubs, s, 1)));
        unroll<kTilePanels>([&](auto p) RUSTML_LAMBDA {
          const std::byte* header = unit.at[h][p.value];
          const int64_t sub = j * F::kSubs + s;
          F32x16& to = chains.of[h][token][p.value];
          to = fma(F::Dot::finish(sums.of[h][token][p.value][s]), F::scale(header, unit.d[h][p.value], sub) * scale, to);
          if constexpr (F::kLayout.minima) to = fma(F::minimum(header, unit.m[h][p.value], sub), scale * x_sums, to);
        });
      });
    }
  };
  few_chains<M>(a, panels, panel, n, last, t, units, F::kUnitBytes, work);
}

template <tensor::DType type, int M>
__attribute__((noinline)) void few_tokens_float(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t) {
  using F = FloatFormat<type>;
  const int64_t stride = a.cols * F::kStepBytes, second_panel = n == kTilePanels ? stride : 0;
  const std::byte* panels = a.weights + panel * stride;
  const float* x = a.xf + t * a.cols;
  const auto work = [&](auto& chains, auto count, int64_t k, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
    unroll<count.value * kTilePanels>([&](auto i) RUSTML_LAMBDA {
      constexpr int h = i.value / kTilePanels, p = i.value % kTilePanels;
      const std::byte* row = panels + p * second_panel + (k + h * apart) * F::kStepBytes;
      __builtin_prefetch(address(row, ahead));
      const F32x16 weights = F::load_row(row);
      unroll<M>([&](auto token) RUSTML_LAMBDA {
        F32x16& to = chains.of[h][token.value][p];
        to = fma(weights, set1(x[token.value * a.cols + k + h * apart]), to);
      });
    });
  };
  few_chains<M>(a, panels, panel, n, last, t, a.cols, F::kStepBytes, work);
}

template <tensor::DType type, int M>
constexpr FewKernel few_kernel() {
  if constexpr (is_float(type)) {
    return few_tokens_float<type, M>;
  } else {
    return few_tokens<type, M>;
  }
}

}  // namespace

constinit const FewKernels kFewKernels = [] {
  FewKernels k{};
  [&]<int... i>(std::integer_sequence<int, i...>) {
    ((k.of[i / kFewAtOnce][i % kFewAtOnce] = few_kernel<static_cast<tensor::DType>(i / kFewAtOnce), i % kFewAtOnce + 1>()), ...);
  }
  (std::make_integer_sequence<int, tensor::kDTypeCount * kFewAtOnce>{});
  return k;
}();

}  // namespace rustml::kernels::RUSTML_TARGET
