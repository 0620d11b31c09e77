// What choosing a token costs, at the vocabulary sizes of GPT-2 and Gemma 3.
//   rustml_bench_sampling [--benchmark_filter=REGEX]
// Names: <target>/<step>/<vocabulary>. Logits are normal with a deviation of 3, as models' are about; each call gets the next of 16.
// "draw" is the whole softmax and a categorical draw without a filter; penalties look at 256 tokens.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "generation/sampler.h"
#include "kernels/select.h"

namespace {

using namespace rustml;

constexpr int kRounds = 16;

void sample(benchmark::State& state, const kernels::KernelTable& kernels, const generation::SamplingOptions& options, int32_t vocab) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(static_cast<size_t>(vocab) * kRounds);
  for (float& x : logits) x = normal(random);
  std::vector<int32_t> tokens(256);
  for (int32_t& id : tokens) id = static_cast<int32_t>(random() % static_cast<uint32_t>(vocab));
  generation::Sampler sampler(options, vocab, kernels);
  uint64_t position = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sampler.sample(logits.data() + position % kRounds * static_cast<size_t>(vocab), tokens, position));
    ++position;
  }
}

}  // namespace

int main(int argc, char** argv) {
  struct Step {
    const char* name;
    generation::SamplingOptions options;
  };
  std::vector<Step> steps(7);
  steps[0].name = "argmax";
  steps[1].name = "penalties";
  steps[1].options.repetition_penalty = 1.1f;
  steps[1].options.presence_penalty = steps[1].options.frequency_penalty = 0.5f;
  steps[2].name = "draw";
  steps[3].name = "top_k_40";
  steps[3].options.top_k = 40;
  steps[4].name = "top_p_0.95";
  steps[4].options.top_p = 0.95f;
  steps[5].name = "top_k_40_top_p_0.95";
  steps[5].options.top_k = 40;
  steps[5].options.top_p = 0.95f;
  steps[6].name = "min_p_0.05";
  steps[6].options.min_p = 0.05f;
  for (size_t i = 2; i < steps.size(); ++i) steps[i].options.temperature = 0.8f;
  for (const kernels::KernelTable* kernels : kernels::available()) {
    if (kernels->target == "scalar" || !kernels::ready(*kernels)) continue;
    for (const Step& step : steps) {
      for (const int32_t vocab : {50257, 262144}) {
        const std::string name = std::string(kernels->target) + "/" + step.name + "/" + std::to_string(vocab);
        benchmark::RegisterBenchmark(name.c_str(), [kernels, &step, vocab](benchmark::State& state) {
          sample(state, *kernels, step.options, vocab);
        })->Unit(benchmark::kMicrosecond);
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
