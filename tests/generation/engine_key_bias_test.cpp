// Large key biases under rotary scaling: what a Q8_0 cache leaves out of keys must come back as the scaled rotation would have it.
#include <cmath>

#include "tiny.h"

namespace rustml::generation {
namespace {

std::vector<double> probabilities(const std::vector<float>& logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  double sum = 0;
  for (const float x : logits) sum += p.emplace_back(std::exp(static_cast<double>(x) - largest));
  for (double& x : p) x /= sum;
  return p;
}

TEST(EngineKeyBias, Q8KeysLoseLittleUnderRotaryScaling) {
  for (const char* type : {"none", "linear", "yarn"}) {
    runtime::StopSignal stop;
    runtime::Call call{stop, {}};
    formats::ModelFile file = formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/key_bias.gguf", call);
    file.metadata["qwen2.rope.scaling.type"] = std::string(type);
    file.metadata["qwen2.rope.scaling.factor"] = 4.0;
    file.metadata["qwen2.rope.scaling.original_context_length"] = uint64_t{256};
    const auto engine = std::make_shared<Engine>(std::move(file), ModelOptions{}, call);
    EXPECT_TRUE(engine->model().has_large_key_bias()) << type;
    SessionOptions exact, q8;
    exact.kv_type = kernels::KvType::f32;
    q8.kv_type = kernels::KvType::q8_0;
    const auto s = new_session(engine, exact), t = new_session(engine, q8);
    eval(*s, some_ids(200));
    eval(*t, some_ids(200));
    const std::vector<double> p = probabilities(s->logits()), q = probabilities(t->logits());
    double lost = 0;
    for (size_t i = 0; i < p.size(); ++i) lost += p[i] * std::log(p[i] / q[i]);
    EXPECT_LE(lost, 2e-3) << type;
    EXPECT_GT(lost, 0) << type;
  }
}

}  // namespace
}  // namespace rustml::generation
