// Matrix times the activations of one to four tokens, straight from packed panels: what a token of an answer waits for. Bound by
// memory, so weights are fetched ahead; one token reads a panel in one stream or, side by side, its two halves.
// Included by target.h after formats.h.
namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr int kFewAtOnce = kFewTokens < 4 ? kFewTokens : 4;
// One token: how far ahead each stream of weights is fetched, as measured on Xeons (four streams) and on Zen 3 (one).
constexpr int64_t kPrefetchBytes = kStreams == 2 ? 4096 : 2048;

// Where the weights are fetched from, relative to the place that is read: some steps ahead, and near the end of a stream (a panel, or
// each half of it) in the same stream of the panels that come next.
struct Ahead {
  int64_t steps, within, beyond, length;
  // The P panels at w, the last if `last`: then those of the next matrix come, or none.
  Ahead(const LinearArgs& a, const std::byte* w, bool last, int64_t stream_steps, int64_t step_bytes, int64_t stride)
      : length(stream_steps) {
    steps = kPrefetchBytes / step_bytes < length ? kPrefetchBytes / step_bytes : length;
    within = steps * step_bytes;
    const std::byte* next = !last ? w + P * stride : a.next != nullptr ? a.next : w;  // of another array, so numbers are subtracted
    beyond = static_cast<int64_t>(reinterpret_cast<uintptr_t>(next) - reinterpret_cast<uintptr_t>(w)) + within - length * step_bytes;
  }
  RUSTML_INLINE int64_t at(int64_t step) const { return step + steps < length ? within : beyond; }
};

// The two chains of M tokens x P panels.
template <int M>
struct FewChains {
  F32x16 of[2][M][P];
  RUSTML_INLINE FewChains() {
    unroll<2 * M * P>([&](auto i) RUSTML_LAMBDA { of[i.value / (M * P)][i.value / P % M][i.value % P] = zero(); });
  }
};

// The outputs of tokens t .. t + M - 1, rows of n panels.
template <int M>
__attribute__((noinline)) void finish_few(const LinearArgs& a, int64_t panel, int64_t n, int64_t t, const FewChains<M>& chains) {
  float sums[2][M * P * kPanelRows];
  unroll<2>([&](auto h) RUSTML_LAMBDA {
    unroll<M * P>([&](auto i) RUSTML_LAMBDA { store(sums[h.value] + i.value * kPanelRows, chains.of[h.value][i.value / P][i.value % P]); });
  });
  for (int64_t p = 0; p < n; ++p) finish_panel(a, panel + p, t, M, sums[0] + p * kPanelRows, sums[1] + p * kPanelRows);
}

// The P panels at w (an absent second one is read as the first), from the first step of K to the last: work(first chain, how many, step,
// steps between them, where to fetch ahead). Chain 0 is the first half of K. `streams`: 2 has the halves side by side.
template <int streams, class Work>
RUSTML_INLINE void each_step(const LinearArgs& a, const std::byte* w, bool last, int64_t steps, int64_t step_bytes, Work work) {
  const int64_t half = (steps + 1) / 2;
  const Ahead fetch(a, w, last, streams == 2 ? half : steps, step_bytes, steps * step_bytes);
  int64_t i = 0;
  if constexpr (streams == 2) {
    for (; i < steps - half; ++i) work(Index<0>{}, Index<2>{}, i, half, fetch.at(i));
    if (i < half) work(Index<0>{}, Index<1>{}, i, 0, fetch.at(i));
  } else {
    for (; i < half; ++i) work(Index<0>{}, Index<1>{}, i, 0, fetch.at(i));
    for (; i < steps; ++i) work(Index<1>{}, Index<1>{}, i, 0, fetch.at(i));
  }
}
template <int M>
constexpr int kStreamsOf = M == 1 ? kStreams : 1;

template <tensor::DType type, int M>
__attribute__((noinline)) void few_tokens(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t) {
  using F = Format<type>;
  using Dot = typename F::Dot;
  const int64_t blocks = a.cols / kQBlock, units = blocks / F::kBlocks, stride = units * F::kUnitBytes;
  const int64_t second_panel = n == P ? stride : 0;
  const std::byte* panels = a.weights + panel * stride;
  FewChains<M> chains;
  each_step<kStreamsOf<M>>(
      a, panels, last, units, F::kUnitBytes, [&](auto chain, auto count, int64_t u, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
        constexpr int kCount = count.value;
        F32x16 d[kCount][P], m[kCount][P];
        const std::byte* unit[kCount][P];
        unroll<kCount>([&](auto h) RUSTML_LAMBDA {
          unroll<P>([&](auto p) RUSTML_LAMBDA {
            const std::byte* w = panels + p.value * second_panel + (u + h.value * apart) * F::kUnitBytes;
            unit[h.value][p.value] = w;
            prefetch<(F::kHeaderBytes + (F::kBlocks == 1 ? F::kBlockBytes : 0) + kLineBytes - 1) / kLineBytes>(address(w, ahead));
            d[h.value][p.value] = load_f16(w);
            if constexpr (F::kLayout.minima) m[h.value][p.value] = load_f16(w + 32);
          });
        });
        for (int64_t j = 0; j < F::kBlocks; ++j) {
          const int8_t* x[kCount][M];
          const float* xd[kCount];
          const int32_t* xsum[kCount];
          typename Dot::Sum sum[kCount][M][P][F::kSubs];
          unroll<kCount>([&](auto h) RUSTML_LAMBDA {
            const int64_t b = (u + h.value * apart) * F::kBlocks + j;
            unroll<M>([&](auto token) RUSTML_LAMBDA {
              x[h.value][token.value] = a.xq + (t + token.value) * a.cols + b * kQBlock;
              if constexpr (M > 2) RUSTML_IN_ORDER("r", x[h.value][token.value]);  // else each of its offsets takes a register
            });
            xd[h.value] = a.xd + t * blocks + b;
            xsum[h.value] = a.xsum + t * blocks + b;
            unroll<M * F::kSubs>([&](auto i) RUSTML_LAMBDA {
              constexpr int token = i.value / F::kSubs, s = i.value % F::kSubs;
              const auto start = Dot::start(weighted(xsum[h.value][token * blocks], sum_factors(F::kSubs, s, -F::kLayout.zero)));
              unroll<P>([&](auto p) RUSTML_LAMBDA { sum[h.value][token][p.value][s] = start; });
            });
          });
          unroll<8>([&](auto step) RUSTML_LAMBDA {
            constexpr int g = step.value / 2 + step.value % 2 * 4;  // 0 4 1 5 ..: both groups of a vector of nibbles
            constexpr int s = F::kSubs == 1 ? 0 : g / 4, nth = F::kSubs == 1 ? step.value : g % 4;
            unroll<kCount>([&](auto h) RUSTML_LAMBDA {
              unroll<P>([&](auto p) RUSTML_LAMBDA {
                const std::byte* quants = unit[h.value][p.value] + F::kHeaderBytes + j * F::kBlockBytes;
                if constexpr (F::kBlocks > 1 && step.value == 0) prefetch<F::kBits>(address(quants, ahead));
                const I8x64 stored = F::template group<g>(quants);
                unroll<M>([&](auto token) RUSTML_LAMBDA {
                  const auto x4 = broadcast4(x[h.value][token.value] + 4 * g);
                  auto& to = sum[h.value][token.value][p.value][s];
                  if constexpr (Prepared<Dot>) {
                    Dot::step(to, stored, x4);
                  } else {
                    Dot::template step<nth>(to, Dot::weights(stored), x4);
                  }
                });
              });
            });
          });
          unroll<kCount>([&](auto h) RUSTML_LAMBDA {
            unroll<M * F::kSubs>([&](auto i) RUSTML_LAMBDA {
              constexpr int token = i.value / F::kSubs, s = i.value % F::kSubs;
              const F32x16 x_scale = set1(xd[h.value][token * blocks]);
              const F32x16 x_sums = as_floats(weighted(xsum[h.value][token * blocks], sum_factors(F::kSubs, s, 1)));
              unroll<P>([&](auto p) RUSTML_LAMBDA {
                const std::byte* header = unit[h.value][p.value];
                const int64_t sub = j * F::kSubs + s;
                F32x16& to = chains.of[chain.value + h.value][token][p.value];
                to = fma(Dot::finish(sum[h.value][token][p.value][s]), F::scale(header, d[h.value][p.value], sub) * x_scale, to);
                if constexpr (F::kLayout.minima) to = fma(F::minimum(header, m[h.value][p.value], sub), x_scale * x_sums, to);
              });
            });
          });
        }
      });
  finish_few<M>(a, panel, n, t, chains);
}

template <class T, int M>
__attribute__((noinline)) void few_tokens_float(const LinearArgs& a, int64_t panel, int64_t n, bool last, int64_t t) {
  const int64_t stride = a.cols * T::kStepBytes, second_panel = n == P ? stride : 0;
  const std::byte* w = a.weights + panel * stride;
  const float* x = a.xf + t * a.cols;
  FewChains<M> chains;
  each_step<kStreamsOf<M>>(a, w, last, a.cols, T::kStepBytes,
                           [&](auto chain, auto count, int64_t k0, int64_t apart, int64_t ahead) RUSTML_LAMBDA {
                             unroll<count.value>([&](auto h) RUSTML_LAMBDA {
                               const int64_t k = k0 + h.value * apart;
                               unroll<P>([&](auto p) RUSTML_LAMBDA {
                                 const std::byte* row = w + p.value * second_panel + k * T::kStepBytes;
                                 __builtin_prefetch(address(row, ahead));
                                 const F32x16 weights = T::load_row(row);
                                 unroll<M>([&](auto token) RUSTML_LAMBDA {
                                   F32x16& to = chains.of[chain.value + h.value][token.value][p.value];
                                   to = fma(weights, set1(x[token.value * a.cols + k]), to);
                                 });
                               });
                             });
                           });
  finish_few<M>(a, panel, n, t, chains);
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
