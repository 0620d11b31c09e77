// Speed of attention on one thread, as operations call it: cache, tiles, kernels, merge.
//   rustml_bench_attention [--benchmark_filter=REGEX] [--benchmark_min_time=SECONDS]
// Names: <model's shape>/<target>/<type of the cache>/<tokens before>+<tokens>. GFLOP/s counts four operations per element of a head
// and visible position: a multiplication and an addition for its score,
// the same for its value.
#include "ops/attention.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace rustml;

struct Model {
  const char* name;
  ops::AttentionShape shape;
};
const Model kModels[] = {{"smollm2", {9, 3, 64, 0.125f}},
                         {"gpt2", {12, 12, 64, 0.125f}},
                         {"gemma3", {4, 1, 256, 0.0625f}},
                         {"gemma3-window", {4, 1, 256, 0.0625f, 512}}};

struct Case {
  int64_t before, tokens;
};
constexpr Case kCases[] = {{0, 128}, {384, 128}, {1920, 128}, {3968, 128}, {0, 2},   {400, 2},
                           {400, 4}, {400, 8},   {4000, 8},   {400, 1},    {4095, 1}};

std::vector<float> normal(int64_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> value;
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = value(random);
  return x;
}

void run(const kernels::KernelTable& table, const std::function<void(ops::Context&)>& body) {
  const auto team = runtime::ThreadTeam::lease();
  runtime::StopSignal stop;
  runtime::ProfileLines profile;
  team->run(
      1, 1,
      [&](int, runtime::Member& member) {
        alignas(64) static std::byte scratch[kernels::kScratchBytes];
        ops::Context c{member, table, {}, {}, scratch, profile};
        body(c);
      },
      stop);
}

void attention(benchmark::State& state, const kernels::KernelTable* table, const Model& model, kernels::KvType type, Case at) {
  ops::AttentionShape shape = model.shape;
  shape.scale = 1;  // queries are prepared in place, again and again
  const int64_t capacity = ops::attention_blocks(at.before + at.tokens) * kernels::kAttendBlock, d = shape.head_dim;
  std::vector<std::byte> memory(static_cast<size_t>(2 * shape.n_kv_heads * capacity * d * 4));
  std::vector<float> scales(static_cast<size_t>(2 * shape.n_kv_heads * capacity));
  const ops::KvLayer cache{type,
                           shape.n_kv_heads,
                           d,
                           capacity,
                           memory.data(),
                           memory.data() + memory.size() / 2,
                           scales.data(),
                           scales.data() + scales.size() / 2};
  const auto scratch = [&](std::vector<float>& floats, int64_t queries) {
    const int64_t rows = queries * capacity / kernels::kAttendBlock;
    floats.resize(static_cast<size_t>(rows * (d + 2)));
    return ops::AttentionScratch{floats.data(), floats.data() + rows, floats.data() + 2 * rows};
  };
  std::vector<float> own_floats, shared_floats, own_queries(static_cast<size_t>(shape.q_size()));
  std::vector<float> out(static_cast<size_t>(std::max<int64_t>(at.tokens, 128) * shape.q_size()));
  const ops::AttentionScratch own = scratch(own_floats, ops::kAttentionQueries), shared = scratch(shared_floats, shape.n_heads);
  std::vector<float> qkv = normal((at.before + at.tokens) * shape.row());
  double pairs = 0;
  for (int64_t p = at.before; p < at.before + at.tokens; ++p)
    pairs += static_cast<double>(shape.window ? std::min(p + 1, shape.window) : p + 1);
  run(*table, [&](ops::Context& c) {
    const auto attend = [&](int64_t first, int64_t n) {
      attention(c, {shape, cache, qkv.data() + first * shape.row(), n, n, first}, {own, own_queries.data(), shared}, out.data());
    };
    for (int64_t p = 0; p < at.before; p += 128) attend(p, std::min<int64_t>(128, at.before - p));
    for (auto _ : state) {
      attend(at.before, at.tokens);
      if (at.tokens == 1) merge(c, shape, at.before, shared, out.data());
      benchmark::ClobberMemory();
    }
  });
  state.counters["GFLOP/s"] = benchmark::Counter(
      4e-9 * pairs * static_cast<double>(shape.n_heads * d) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void register_all() {
  using kernels::KvType;
  for (const kernels::KernelTable* table : kernels::available()) {
    for (const Model& model : kModels) {
      for (auto [type, type_name] : {std::pair{KvType::f16, "f16"}, {KvType::f32, "f32"}, {KvType::q8_0, "q8_0"}}) {
        for (Case at : kCases) {
          const std::string name = std::string(model.name) + "/" + std::string(table->target) + "/" + type_name + "/" +
                                   std::to_string(at.before) + "+" + std::to_string(at.tokens);
          benchmark::RegisterBenchmark(name.c_str(), attention, table, model, type, at);
        }
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
