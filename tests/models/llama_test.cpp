// Binding and steps; what the numbers must be is tests/golden's business (against transformers).
#include "models/llama.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

// Logits of the last of `ids`, evaluated in chunks.
std::vector<float> logits(MadeFile& f, const std::vector<int32_t>& ids, int n_threads, int64_t chunk) {
  const formats::ModelFile& file = f.file();
  const Config config = read_gguf_config(file, "llama");
  WeightBinder counting(file, nullptr);
  bind_llama(counting, config);
  runtime::Region memory(counting.bytes(), runtime::Region::Pages::normal);
  WeightBinder binder(file, memory.data());
  const std::unique_ptr<Model> model = bind_llama(binder, config);
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto team = runtime::ThreadTeam::lease();
  binder.load(*team, {n_threads, false}, call);
  model->loaded();

  const auto budget = std::make_shared<runtime::MemoryBudget>(0);
  Scratch scratch(config, chunk, config.context, n_threads, budget);
  KvCache cache(model->kv_shape(), kernels::KvType::f32, static_cast<uint64_t>(config.context), 0, budget);
  cache.reserve(ids.size());
  std::vector<float> hidden(static_cast<size_t>(config.hidden)), out(static_cast<size_t>(config.vocab));
  runtime::ProfileLines profile;
  for (size_t at = 0; at < ids.size(); at += static_cast<size_t>(chunk)) {
    const auto n = static_cast<int64_t>(std::min(ids.size() - at, static_cast<size_t>(chunk)));
    Pass pass{ids.data() + at, n, cache, scratch, hidden.data(), out.data(), profile};
    team->run(
        n_threads, model->n_steps(), [&](int s, runtime::Member& m) { model->step(s, m, *kernels::available().front(), pass); }, stop);
    cache.set_length(at + static_cast<size_t>(n));
  }
  std::vector<float> again(out.size());
  team->run(
      n_threads, 1,
      [&](int, runtime::Member& m) { model->project(hidden.data(), m, *kernels::available().front(), scratch, profile, again.data()); },
      stop);
  EXPECT_EQ(again, out) << "a hidden state gives the same scores later";
  return out;
}

TEST(Llama, BitsDoNotDependOnThreadsOrChunksAndPositionsMatter) {
  MadeFile f = llama_file();
  const std::vector<int32_t> ids = {3, 17, 39, 0, 5, 5, 21};
  const std::vector<float> want = logits(f, ids, 1, 1);
  EXPECT_EQ(logits(f, ids, 2, 7), want);
  EXPECT_EQ(logits(f, ids, 3, 4), want);
  EXPECT_NE(logits(f, {17, 3, 39, 0, 5, 5, 21}, 1, 7), want);
}

TEST(Llama, AnOwnHeadIsUsed) {
  MadeFile tied = llama_file(), own = llama_file();
  own.tensor("output.weight", {40, 32});
  EXPECT_NE(logits(own, {1, 2}, 1, 2), logits(tied, {1, 2}, 1, 2));
}

TEST(Llama, TensorsOfOtherArchitecturesAreRefused) {
  MadeFile f = llama_file();
  f.tensor("blk.0.attn_q_norm.weight", {8});
  const formats::ModelFile& file = f.file();
  WeightBinder binder(file, nullptr);
  const std::string error = error_of([&] { bind_llama(binder, read_gguf_config(file, "llama")); });
  EXPECT_EQ(error.substr(0, 2), "12");
  EXPECT_NE(error.find("attn_q_norm"), std::string::npos);
}

}  // namespace
}  // namespace rustml::models
