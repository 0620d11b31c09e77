// Matrix times the activations of one to four tokens, straight from packed panels: what a token of an answer waits for. Bound by
// memory, so weights are fetched ahead; one token reads a panel in one stream or, side by side, its two halves.
#pragma once
#include <utility>

#include "kernels/panel_read-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

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

// work(chains, how many of them, step, steps between theirs, where to fetch ahead) for steps [begin, end).
template <int M, class Work>
RUSTML_INLINE void each_step(const FewPanels& in, int64_t begin, int64_t end, float* sums, Work work) {
  const FetchDistance fetch = in.fetch;
  const int64_t half = (in.steps + 1) / 2;
  int64_t i = begin;
  const auto one_chain = [&](int64_t to_step, float* to) RUSTML_LAMBDA {
    FewChains<M, 1> chains;
    for (; i < to_step; ++i) work(chains, Index<1>{}, i, 0, fetch.at(i));
    chains.store_at(to);
  };
  if constexpr (side_by_side(M)) {
    FewChains<M, 2> chains;
    for (; i < in.steps - half; ++i) work(chains, Index<2>{}, i, half, fetch.at(i));
    if (i < half) work(chains, Index<1>{}, i, 0, fetch.at(i));
    chains.store_at(sums);
  } else if constexpr (both_halves(M)) {
    one_chain(half, sums);
    one_chain(end, sums + M * kPanelFloats);
  } else {
    one_chain(end, sums);
  }
}

// Adds the products of a block of 32 k, `offset` bytes into each unit, to the sums of M tokens.
template <class F, int M, int kCount>
RUSTML_INLINE void add_products(const std::byte* const (&unit)[kCount][kTilePanels], int64_t offset, int64_t ahead,
                                const int8_t* const (&x)[kCount][M], typename F::Dot::Sum (&sum)[kCount][M][kTilePanels][F::kSubs]) {
  using Dot = typename F::Dot;
  unroll<8>([&](auto step) RUSTML_LAMBDA {
    constexpr int g = step.value / 2 + step.value % 2 * 4;  // 0 4 1 5 ..: both groups of a vector of nibbles
    constexpr int s = F::kSubs == 1 ? 0 : g / 4, nth = F::kSubs == 1 ? step.value : g % 4;
    RUSTML_UNROLL for (int h = 0; h < kCount; ++h) {
      RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) {
        const std::byte* quants = unit[h][p] + offset;
        if constexpr (F::kBlocks > 1 && step.value == 0) prefetch<F::kBits>(address(quants, ahead));
        const I8x64 stored = F::template group<g>(quants);
        RUSTML_UNROLL for (int token = 0; token < M; ++token) {
          const auto x4 = broadcast4(x[h][token] + 4 * g);
          if constexpr (Prepared<Dot>) {
            Dot::step(sum[h][token][p][s], stored, x4);
          } else {
            Dot::template step<nth>(sum[h][token][p][s], Dot::weights(stored), x4);
          }
        }
      }
    }
  });
}

// A unit of every panel (an absent second one is the first), or kCount units side by side, added to the chains of M tokens from t.
template <tensor::DType type, int M, int kCount, class Chains>
RUSTML_INLINE void few_units(const LinearArgs& a, const std::byte* panels, int64_t second_panel, int64_t t, int64_t u, int64_t apart,
                             int64_t ahead, Chains& chains) {
  using F = Format<type>;
  using Dot = typename F::Dot;
  const int64_t blocks = a.cols / kQBlock;
  F32x16 d[kCount][kTilePanels], m[kCount][kTilePanels];
  const std::byte* unit[kCount][kTilePanels];
  RUSTML_UNROLL for (int h = 0; h < kCount; ++h) {
    RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) {
      const std::byte* w = unit[h][p] = panels + p * second_panel + (u + h * apart) * F::kUnitBytes;
      prefetch<(F::kHeaderBytes + (F::kBlocks == 1 ? F::kBlockBytes : 0) + kLineBytes - 1) / kLineBytes>(address(w, ahead));
      d[h][p] = F::d(w);
      if constexpr (F::kLayout.minima) m[h][p] = F::m(w);
    }
  }
  for (int64_t j = 0; j < F::kBlocks; ++j) {
    const int8_t* x[kCount][M];
    const float* xd[kCount];
    const int32_t* xsum[kCount];
    typename Dot::Sum sum[kCount][M][kTilePanels][F::kSubs];
    RUSTML_UNROLL for (int h = 0; h < kCount; ++h) {
      const int64_t b = (u + h * apart) * F::kBlocks + j;
      xd[h] = a.xd + t * blocks + b;
      xsum[h] = a.xsum + t * blocks + b;
      RUSTML_UNROLL for (int token = 0; token < M; ++token) {
        x[h][token] = a.xq + (t + token) * a.cols + b * kQBlock;
        if constexpr (M > 2) RUSTML_IN_ORDER("r", x[h][token]);  // else each of its offsets takes a register
      }
      RUSTML_UNROLL for (int token = 0; token < M; ++token) {
        RUSTML_UNROLL for (int s = 0; s < F::kSubs; ++s) {
          const auto start = Dot::start(weighted(xsum[h][token * blocks], sum_factors(F::kSubs, s, -F::kLayout.zero)));
          RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) sum[h][token][p][s] = start;
        }
      }
    }
    add_products<F, M, kCount>(unit, F::kHeaderBytes + j * F::kBlockBytes, ahead, x, sum);
    RUSTML_UNROLL for (int h = 0; h < kCount; ++h) {
      RUSTML_UNROLL for (int token = 0; token < M; ++token) {
        RUSTML_UNROLL for (int s = 0; s < F::kSubs; ++s) {
          const F32x16 x_scale = set1(xd[h][token * blocks]);
          const F32x16 x_sums = as_floats(weighted(xsum[h][token * blocks], sum_factors(F::kSubs, s, 1)));
          RUSTML_UNROLL for (int p = 0; p < kTilePanels; ++p) {
            const std::byte* header = unit[h][p];
            const int64_t sub = j * F::kSubs + s;
            F32x16& to = chains.of[h][token][p];
            to = fma(Dot::finish(sum[h][token][p][s]), F::scale(header, d[h][p], sub) * x_scale, to);
            if constexpr (F::kLayout.minima) to = fma(F::minimum(header, m[h][p], sub), x_scale * x_sums, to);
          }
        }
      }
    }
  }
}

template <tensor::DType type, int M>
void few_blocks(const FewPanels& in, int64_t begin, int64_t end, float* sums) {
  const std::byte* panels = in.weights;
  const int64_t second_panel = in.second_panel, t = in.t;
  each_step<M>(in, begin, end, sums, [&](auto& chains, auto count, int64_t u, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
    few_units<type, M, count.value>(in.args, panels, second_panel, t, u, apart, ahead, chains);
  });
}

template <tensor::DType type, int M>
void few_floats(const FewPanels& in, int64_t begin, int64_t end, float* sums) {
  using F = FloatFormat<type>;
  const int64_t cols = in.args.cols, second_panel = in.second_panel;
  const std::byte* panels = in.weights;
  const float* x = in.args.xf + in.t * cols;
  each_step<M>(in, begin, end, sums, [&](auto& chains, auto count, int64_t k, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
    unroll<count.value * kTilePanels>([&](auto i) RUSTML_LAMBDA {
      constexpr int h = i.value / kTilePanels, p = i.value % kTilePanels;
      const std::byte* row = panels + p * second_panel + (k + h * apart) * F::kStepBytes;
      __builtin_prefetch(address(row, ahead));
      const F32x16 weights = F::load_row(row);
      unroll<M>([&](auto token) RUSTML_LAMBDA {
        F32x16& to = chains.of[h][token.value][p];
        to = fma(weights, set1(x[token.value * cols + k + h * apart]), to);
      });
    });
  });
}

template <tensor::DType type, int M>
constexpr FewKernel few_kernel() {
  if constexpr (is_float(type)) {
    return few_floats<type, M>;
  } else {
    return few_blocks<type, M>;
  }
}

}  // namespace

constinit const FewKernels kFewKernels = [] {
  FewKernels k{};
  [&]<int... i>(std::integer_sequence<int, i...>) {
    ((k.of[i / kFewAtOnce][i % kFewAtOnce] = few_kernel<panel_form(static_cast<tensor::DType>(i / kFewAtOnce)), i % kFewAtOnce + 1>()),
     ...);
  }
  (std::make_integer_sequence<int, tensor::kDTypeCount * kFewAtOnce>{});
  return k;
}();

}  // namespace rustml::kernels::RUSTML_TARGET
