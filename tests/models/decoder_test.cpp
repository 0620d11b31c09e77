// The walk through the steps, seen by what it logs and asks kernels for; results are llama_test.cpp's and tests/golden's business.
#include "models/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/log.h"
#include "kernels/select.h"
#include "made_file.h"

namespace rustml::models {
namespace {

// A model of a file, loaded, and what a pass of one token needs.
struct Loaded {
  explicit Loaded(MadeFile& made) : planned(plan(made.file())) {
    const formats::ModelFile& file = made.file();
    WeightBinder counting(file, planned.names, {}, nullptr);
    bind(planned, counting);
    memory = runtime::Region(counting.bytes(), runtime::Region::Pages::normal);
    WeightBinder binder(file, planned.names, {}, memory.data());
    model = bind(planned, binder);
    runtime::Call call{stop, {}};
    binder.load(*team, {1, false}, call);
    model->loaded();
  }
  Plan planned;
  runtime::StopSignal stop;
  const std::shared_ptr<runtime::ThreadTeam> team = runtime::ThreadTeam::lease();
  runtime::Region memory;
  std::unique_ptr<Decoder> model;

  Pass run(runtime::ProfileLines& profile, const kernels::KernelTable& kernels) {
    const Config& c = model->config();
    const auto budget = std::make_shared<runtime::MemoryBudget>(0);
    Scratch scratch(c, 4, 64, 1, budget);
    KvCache cache(model->kv_shape(), kernels::KvType::f16, 64, 0, budget);
    cache.reserve(1);
    const int32_t id = 3;
    std::vector<float> hidden(static_cast<size_t>(c.hidden)), logits(static_cast<size_t>(c.vocab));
    Pass pass{&id, 1, cache, scratch, hidden.data(), logits.data(), profile};
    team->run(
        1, model->n_steps(), [&](int s, runtime::Member& m) { model->step(s, m, kernels, pass); }, stop);
    return pass;
  }
};

TEST(Decoder, ALineForEveryLayerWhenAsked) {
  MadeFile f = llama_file(2);
  Loaded loaded(f);
  EXPECT_EQ(loaded.model->n_steps(), 4);
  const base::ApiScope deliver_at_once;
  std::vector<std::string> lines;
  base::log_set("trace", [&](const base::LogRecord& r) { lines.push_back(std::string(r.component) + " " + r.text); });
  const auto count = [&](const std::string& part) {
    return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(part) != std::string::npos; });
  };
  using Level = runtime::ProfileLevel;
  for (const Level level : {Level::off, Level::layers, Level::matmuls}) {
    runtime::ProfileLines profile;
    profile.level = level;
    lines.clear();
    EXPECT_EQ(loaded.run(profile, kernels::best()).layers_ns > 0, level != Level::off);
    profile.flush();
    EXPECT_EQ(count("rustml::model transformer["), level == Level::off ? 0 : 2);
    EXPECT_EQ(count("rustml::model transformer[1]::forward attn="), level == Level::off ? 0 : 1);
    EXPECT_EQ(count("rustml::attn [attn] layer="), level == Level::matmuls ? 2 : 0);
    for (const char* matmul : {"QKV_proj", "O_proj", "GateUp_proj", "Down_proj"})
      EXPECT_EQ(count(std::string("matmul ") + matmul + " "), level == Level::matmuls ? 2 : 0) << matmul;
    EXPECT_EQ(count("matmul LM_head [1,32]x[32,40]"), level == Level::matmuls ? 1 : 0);
  }
  base::log_set("", {});
}

struct Read {
  const std::byte *first, *next;
};
std::vector<Read> g_reads;
void watched_linear(const kernels::LinearArgs& args, int64_t p0, int64_t p1, int64_t t0, int64_t t1) {
  g_reads.push_back({args.weights + p0 * kernels::panel_bytes(tensor::DType::f32, args.cols), args.next});
  kernels::best().linear[static_cast<int>(tensor::DType::f32)](args, p0, p1, t0, t1);
}

TEST(Decoder, WhatIsFetchedIsWhatIsReadNext) {
  MadeFile f = llama_file(2);
  Loaded loaded(f);
  kernels::KernelTable kernels = kernels::best();
  kernels.linear[static_cast<int>(tensor::DType::f32)] = watched_linear;
  g_reads.clear();
  runtime::ProfileLines quiet;
  loaded.run(quiet, kernels);
  ASSERT_EQ(g_reads.size(), 2u * 7 + 1);  // q, k, v, out, gate, up, down of each layer, and the head
  for (size_t i = 0; i < g_reads.size(); ++i) {
    const std::byte* then = g_reads[(i + 1) % g_reads.size()].first;
    if (i % 7 == 2 && i < 14)
      EXPECT_NE(g_reads[i].next, then) << "v is followed by the cache's keys";
    else
      EXPECT_EQ(g_reads[i].next, then) << i;
  }
}

}  // namespace
}  // namespace rustml::models
