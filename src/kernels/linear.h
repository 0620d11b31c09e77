// Matrix times activations on packed panels, by register tiles of P panels x M tokens. Lanes are rows, so there is no horizontal
// sum; each output has the two chains of kernels.h (halves of K). One token runs both halves side by side (four independent
// chains with P = 2), several tokens one half after the other. Panels outside, tokens inside, the tokens cut into tiles whose
// activations stay in the L2 cache: every weight is read from memory once per tile.
// Included by target.h after raw_<isa>.h.

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int64_t kTileActivationBytes = 256 * 1024;  // of a token tile, half of the smallest L2 in use
// One token: how far each of the four streams of weights is prefetched. Short streams (SmolLM2's 576 columns: 3-5 kB per half
// panel) end before a fixed distance pays, so there it is the same place in the next panels.
constexpr int64_t kPrefetchBytes = 4096;

// Block types. Steps of a chain are blocks of 32.
template <class DotT, int kBytesPerWeightGroup, int kHalvesT, int kZeroT>
struct BlockWeights {
  using Dot = DotT;
  static constexpr int kGroups = 8 * kBytesPerWeightGroup / 64;  // loads of 64 bytes per block
  static constexpr int64_t kStepBytes = 32 * kHalvesT + 64 * kGroups;

  static RUSTML_INLINE int64_t steps(const LinearArgs& a) { return a.cols / kQBlock; }
  static RUSTML_INLINE int64_t activation_bytes(const LinearArgs& a) { return a.cols; }

  // Block b, and block b + half for the second of H chains, of panels at `w` and tokens from t.
  template <int H, int P, int M>
  static RUSTML_INLINE void step(const LinearArgs& a, const std::byte* w, int64_t stride, int64_t t, int64_t b, int64_t half,
                                 F32x16 (*acc)[P][M], [[maybe_unused]] int64_t ahead = 0) {
    const int64_t blocks = steps(a);
    typename Dot::Sum sum[H][P][M];
    unroll<H>([&](auto h) RUSTML_LAMBDA {
      unroll<M>([&](auto m) RUSTML_LAMBDA {
        const int32_t correction = -kZeroT * a.xsum[(t + m.value) * blocks + b + h.value * half];
        unroll<P>([&](auto p) RUSTML_LAMBDA { sum[h.value][p.value][m.value] = Dot::start(correction); });
      });
    });
    unroll<kGroups>([&](auto g) RUSTML_LAMBDA {
      unroll<H>([&](auto h) RUSTML_LAMBDA {
        const std::byte* quants = w + (b + h.value * half) * kStepBytes + 32 * kHalvesT + 64 * g.value;
        const int8_t* x = a.xq + t * a.cols + (b + h.value * half) * kQBlock + 4 * g.value;
        if constexpr (kGroups == 8) {
          dot<h.value>(a, quants, stride, x, sum, [](const std::byte* q) RUSTML_LAMBDA { return Dot::load(q); });
        } else {
          dot<h.value>(a, quants, stride, x, sum, [](const std::byte* q) RUSTML_LAMBDA { return Dot::low(Dot::load(q)); });
          dot<h.value>(a, quants, stride, x + 16, sum, [](const std::byte* q) RUSTML_LAMBDA { return Dot::high(Dot::load(q)); });
        }
      });
    });
    unroll<H>([&](auto h) RUSTML_LAMBDA {
      const int64_t block = b + h.value * half;
      unroll<P>([&](auto p) RUSTML_LAMBDA {
        const std::byte* scales = w + p.value * stride + block * kStepBytes;
        if constexpr (H == 2) prefetch(scales + ahead);
        const F32x16 d = load_f16(scales);
        unroll<M>([&](auto m) RUSTML_LAMBDA {
          const int64_t index = (t + m.value) * blocks + block;
          const float xd = a.xd[index];
          const int32_t xsum = a.xsum[index];
          F32x16& chain = acc[h.value][p.value][m.value];
          chain = fma(Dot::finish(sum[h.value][p.value][m.value], -kZeroT * xsum), d * set1(xd), chain);
          if constexpr (kHalvesT == 2) chain = fma(load_f16(scales + 32), set1(xd * static_cast<float>(xsum)), chain);
        });
      });
    });
  }

 private:
  template <int h, int H, int P, int M, class Load>
  static RUSTML_INLINE void dot(const LinearArgs& a, const std::byte* quants, int64_t stride, const int8_t* x,
                                typename Dot::Sum (&sum)[H][P][M], Load weights_at) {
    typename Dot::Weights w[P];
    unroll<P>([&](auto p) RUSTML_LAMBDA { w[p.value] = weights_at(quants + p.value * stride); });
    unroll<M>([&](auto m) RUSTML_LAMBDA {
      const auto x4 = Dot::activation(x + m.value * a.cols);
      unroll<P>([&](auto p) RUSTML_LAMBDA { Dot::step(sum[h][p.value][m.value], w[p.value], x4); });
    });
  }
  static RUSTML_INLINE void prefetch(const std::byte* block) {
    unroll<(kStepBytes + 63) / 64>([&](auto line) RUSTML_LAMBDA { __builtin_prefetch(block + 64 * line.value); });
  }
};

using Q8_0 = BlockWeights<Dot8, 64, 1, 128>;
using Q4_0 = BlockWeights<Dot4, 32, 1, 8>;
using Q4_1 = BlockWeights<Dot4, 32, 2, 0>;

// Float types. A step of a chain is one k.
template <bool kF16>
struct FloatWeights {
  static constexpr int64_t kStepBytes = kF16 ? 32 : 64;

  static RUSTML_INLINE int64_t steps(const LinearArgs& a) { return a.cols; }
  static RUSTML_INLINE int64_t activation_bytes(const LinearArgs& a) { return a.cols * 4; }

  template <int H, int P, int M>
  static RUSTML_INLINE void step(const LinearArgs& a, const std::byte* w, int64_t stride, int64_t t, int64_t k, int64_t half,
                                 F32x16 (*acc)[P][M], [[maybe_unused]] int64_t ahead = 0) {
    unroll<H>([&](auto h) RUSTML_LAMBDA {
      F32x16 weights[P];
      unroll<P>([&](auto p) RUSTML_LAMBDA {
        const std::byte* src = w + p.value * stride + (k + h.value * half) * kStepBytes;
        if constexpr (H == 2) __builtin_prefetch(src + ahead);
        if constexpr (kF16) {
          weights[p.value] = load_f16(src);
        } else {
          weights[p.value] = load(reinterpret_cast<const float*>(src));
        }
      });
      unroll<M>([&](auto m) RUSTML_LAMBDA {
        const F32x16 x = set1(a.xf[(t + m.value) * a.cols + k + h.value * half]);
        unroll<P>([&](auto p) RUSTML_LAMBDA {
          F32x16& chain = acc[h.value][p.value][m.value];
          chain = fma(weights[p.value], x, chain);
        });
      });
    });
  }
};

// Panels [panel, panel + P) x tokens [t, t + M).
template <class Weights, int P, int M>
__attribute__((noinline)) void tile(const LinearArgs& a, int64_t panel, int64_t t) {
  const int64_t steps = Weights::steps(a), half = (steps + 1) / 2, stride = steps * Weights::kStepBytes;
  const std::byte* w = a.weights + panel * stride;
  F32x16 acc[2][P][M];
  unroll<2>([&](auto h) RUSTML_LAMBDA {
    unroll<P>([&](auto p) RUSTML_LAMBDA { unroll<M>([&](auto m) RUSTML_LAMBDA { acc[h.value][p.value][m.value] = zero(); }); });
  });
  if constexpr (M == 1) {
    const int64_t ahead = half * Weights::kStepBytes > 2 * kPrefetchBytes ? kPrefetchBytes : P * stride;
    for (int64_t s = 0; s < steps - half; ++s) Weights::template step<2, P, M>(a, w, stride, t, s, half, acc, ahead);
    if (steps < 2 * half) Weights::template step<1, P, M>(a, w, stride, t, half - 1, 0, acc);
  } else {
    for (int64_t s = 0; s < half; ++s) Weights::template step<1, P, M>(a, w, stride, t, s, 0, acc);
    for (int64_t s = half; s < steps; ++s) Weights::template step<1, P, M>(a, w, stride, t, s, 0, acc + 1);
  }
  unroll<P>([&](auto p) RUSTML_LAMBDA {
    const int64_t row = (panel + p.value) * kPanelRows, n = a.rows - row < kPanelRows ? a.rows - row : kPanelRows;
    unroll<M>([&](auto m) RUSTML_LAMBDA {
      F32x16 result = acc[0][p.value][m.value] + acc[1][p.value][m.value];
      float* out = a.out + (t + m.value) * a.out_stride + row;
      if (a.bias != nullptr) result = result + load_first(a.bias + row, n);
      if (a.accumulate) result = load_first(out, n) + result;
      store_first(out, result, n);
    });
  });
}

template <class Weights, int P, int M>
RUSTML_INLINE void rest(const LinearArgs& a, int64_t panel, int64_t t, int64_t n) {
  if (n == M) return tile<Weights, P, M>(a, panel, t);
  if constexpr (M > 1) rest<Weights, P, M - 1>(a, panel, t, n);
}

template <class Weights, int P>
RUSTML_INLINE void panels(const LinearArgs& a, int64_t panel, int64_t t, int64_t token_end) {
  for (; token_end - t >= kTileTokens; t += kTileTokens) tile<Weights, P, kTileTokens>(a, panel, t);
  rest<Weights, P, kTileTokens - 1>(a, panel, t, token_end - t);
}

template <class Weights>
void linear(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  int64_t tokens = kTileActivationBytes / (Weights::activation_bytes(a) + 1) / kTileTokens * kTileTokens;
  tokens = tokens < 2 * kTileTokens ? 2 * kTileTokens : tokens > 96 ? 96 : tokens;
  for (int64_t t = token_begin; t < token_end; t += tokens) {
    const int64_t end = token_end - t < tokens ? token_end : t + tokens;
    int64_t panel = panel_begin;
    for (; panel_end - panel >= kTilePanels; panel += kTilePanels) panels<Weights, kTilePanels>(a, panel, t, end);
    if constexpr (kTilePanels > 1) {
      for (; panel < panel_end; ++panel) panels<Weights, 1>(a, panel, t, end);
    }
  }
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
