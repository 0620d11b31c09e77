// Runs an operation as the members of a step do, for the tests of this room.
#pragma once
#include <functional>
#include <vector>

#include "ops/context.h"

namespace rustml::ops {

// Activations with memory behind them.
struct OwnedActivations {
  OwnedActivations(int64_t tokens, int64_t cols)
      : f(tokens * cols), q(tiled_tokens(tokens) * cols), d(tiled_tokens(tokens) * cols / 32 + 1), sum(d.size()) {}
  Activations view() { return {f.data(), q.data(), d.data(), sum.data()}; }
  std::vector<float> f;
  std::vector<int8_t> q;
  std::vector<float> d;
  std::vector<int32_t> sum;
};

struct alignas(64) KernelScratch {
  std::byte bytes[kernels::kScratchBytes];
};

inline runtime::ThreadTeam::PassReport run_on_team(int n_threads, const kernels::KernelTable& kernels, int64_t tokens, int64_t widest,
                                                   const std::function<void(Context&)>& body, runtime::StopSignal* signal = nullptr) {
  const auto team = runtime::ThreadTeam::lease();
  runtime::StopSignal never, &stop = signal ? *signal : never;
  OwnedActivations shared(tokens, widest);
  std::vector<OwnedActivations> own(static_cast<size_t>(n_threads), OwnedActivations(1, widest));
  std::vector<KernelScratch> scratch(own.size());
  runtime::ProfileLines profile;
  return team->run(
      n_threads, 1,
      [&](int, runtime::Member& member) {
        const auto rank = static_cast<size_t>(member.rank());
        Context c{member, kernels, shared.view(), own[rank].view(), scratch[rank].bytes, profile};
        body(c);
      },
      stop, 100'000'000);
}

}  // namespace rustml::ops
