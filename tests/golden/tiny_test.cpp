// Tiny random models against transformers: log-probabilities, greedy answers, encodings; every type, every usable SIMD target.
#include <gtest/gtest.h>

#include <algorithm>

#include "compare.h"
#include "engine.h"
#include "reference.h"

namespace golden {
namespace {

// KL of rounding K and V alone, in nats on these models. F16 rounds 8 times finer than the 8-bit activations whose
// divergence make.py measured (1.3e-3 on base_q8_0), and divergence goes with the square; Q8_0 rounds as they do.
constexpr double kF16KvBound = 2e-5, kQ8KvBound = 4e-3;
// Between two engines that round activations alike: float sums in another order turn a few roundings. make.py's emulation in
// float32 differs from itself in float64 by up to 8e-5 on these files; five times that.
constexpr double kSameRoundingBound = 4e-4;

class Tiny : public testing::TestWithParam<std::string> {
 protected:
  const Reference reference_ = load(GetParam());
};

void expect_as_reference(const Reference& r, const Prompt& p, const std::vector<float>& logits) {
  ASSERT_EQ(logits.size(), r.vocab_size);
  const std::vector<double> logprobs = log_softmax(logits);
  if (!r.blocks) {
    EXPECT_LE(largest_difference(p.logprobs, logprobs), r.logprob_tolerance);
    return;
  }
  EXPECT_LE(divergence(p.logprobs, logprobs), r.kl_bound);
  // Either activations are rounded as make.py rounds them, or (types unpacked to float) not at all.
  EXPECT_LE(std::min(divergence(p.logprobs, logprobs), divergence(p.rounded_logprobs, logprobs)), kSameRoundingBound);
}

TEST_P(Tiny, LogProbabilitiesOnEveryTarget) {
  for (const std::string& target : simd_targets()) {
    const Model model(reference_.path, {target});
    for (const Prompt& p : reference_.prompts) {
      if (target == "scalar" && p.ids.size() > 1000) continue;  // bit-equal to the others, by determinism_test.cpp; minutes long
      SCOPED_TRACE(target + ", " + std::to_string(p.ids.size()) + " tokens");
      Session session(model);
      session.eval(p.ids);
      expect_as_reference(reference_, p, session.logits());
    }
  }
}

TEST_P(Tiny, GreedyAnswers) {
  if (reference_.blocks) return;  // near ties; their log-probabilities are checked above
  const Model model(reference_.path);
  for (const Prompt& p : reference_.prompts) {
    SCOPED_TRACE(std::to_string(p.ids.size()) + " tokens");
    Session session(model);
    std::vector<int32_t> chosen;
    const auto steps = session.greedy(p.ids, p.greedy.size(), 8, chosen);
    ASSERT_EQ(chosen, p.greedy);
    for (size_t t = 0; t < steps.size(); ++t) {
      ASSERT_EQ(steps[t].size(), 8u);
      for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(steps[t][i].logprob, p.steps[t][i].logprob, reference_.logprob_tolerance) << "step " << t;
    }
  }
}

TEST_P(Tiny, Encodings) {
  const Model model(reference_.path);
  for (const Prompt& p : reference_.encodings) EXPECT_EQ(model.encode(p.text, 0), p.ids) << p.text;
}

INSTANTIATE_TEST_SUITE_P(Models, Tiny, testing::ValuesIn(tiny_models()), [](const auto& info) { return info.param; });

TEST(TinyKv, TypesStayWithinTheirBounds) {
  for (const std::string name : {"base_f32", "odd_f32", "llama3_f16"}) {
    const Reference r = load(name);
    const Model model(r.path);
    for (const auto& [type, bound] : {std::pair{RUSTML_KV_F16, kF16KvBound}, {RUSTML_KV_Q8_0, kQ8KvBound}}) {
      for (const Prompt& p : r.prompts) {
        Session session(model, {type, 0});
        session.eval(p.ids);
        EXPECT_LE(divergence(p.logprobs, log_softmax(session.logits())), bound) << name << ", kv type " << type << ", " << p.ids.size();
      }
    }
  }
}

}  // namespace
}  // namespace golden
