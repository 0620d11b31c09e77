// The walk through the steps, seen by what it logs; results are llama_test.cpp's and tests/golden's business.
#include "models/decoder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/select.h"
#include "made_file.h"
#include "models/registry.h"

namespace rustml::models {
namespace {

TEST(Decoder, ALineForEveryLayerWhenAsked) {
  MadeFile f = llama_file();
  const formats::ModelFile& file = f.file();
  const Plan planned = plan(file);
  WeightBinder counting(file, {}, {}, nullptr);
  bind(planned, counting);
  runtime::Region memory(counting.bytes(), runtime::Region::Pages::normal);
  WeightBinder binder(file, {}, {}, memory.data());
  const std::unique_ptr<Model> model = bind(planned, binder);
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto team = runtime::ThreadTeam::lease();
  binder.load(*team, {1, false}, call);
  model->loaded();
  EXPECT_EQ(model->n_steps(), 3);
  const auto budget = std::make_shared<runtime::MemoryBudget>(0);
  Scratch scratch(model->config(), 4, 64, 1, budget);
  KvCache cache(model->kv_shape(), kernels::KvType::f16, 64, 0, budget);
  cache.reserve(1);
  const int32_t id = 3;
  std::vector<float> hidden(32), logits(40);
  for (const auto& [level, n_lines] : {std::pair{runtime::ProfileLevel::off, 0u}, {runtime::ProfileLevel::layers, 1u}}) {
    runtime::ProfileLines profile;
    profile.level = level;
    Pass pass{&id, 1, cache, scratch, hidden.data(), logits.data(), profile};
    team->run(
        1, model->n_steps(), [&](int s, runtime::Member& m) { model->step(s, m, kernels::best(), pass); }, stop);
    EXPECT_EQ(pass.layers_ns > 0, n_lines > 0);
  }
}

}  // namespace
}  // namespace rustml::models
