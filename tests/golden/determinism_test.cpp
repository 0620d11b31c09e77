// The same logits, bit for bit, whatever the number of threads, the prefill chunk and the SIMD target, and after rewind, fork and reset.
// The SSE4.1 target has no fused multiply-add and is left to tiny_test.cpp.
#include <gtest/gtest.h>

#include "compare.h"
#include "engine.h"
#include "reference.h"

namespace golden {
namespace {

class Determinism : public testing::TestWithParam<std::string> {
 protected:
  const Reference reference_ = load(GetParam());
  const std::vector<int32_t>& ids_ = reference_.prompts.back().ids;  // 387 tokens: four attention blocks
};

TEST_P(Determinism, ThreadsChunksAndTargets) {
  std::vector<int32_t> kv_types = {RUSTML_KV_F16};
  if (GetParam() == "base_q4_1") kv_types = {RUSTML_KV_F16, RUSTML_KV_F32, RUSTML_KV_Q8_0};
  for (const int32_t kv_type : kv_types) {
    std::vector<float> expected;
    for (const std::string& target : simd_targets()) {
      if (target == "sse41") continue;
      for (const int32_t n_threads : {1, 2, 4}) {
        const Model model(reference_.path, {target, n_threads});
        for (const uint32_t chunk : {1u, 7u, 64u, 4096u}) {
          if (n_threads != 2 && chunk != 64) continue;  // one axis at a time
          const std::vector<float> logits = evaluate(model, ids_, {kv_type, chunk});
          if (expected.empty()) expected = logits;
          EXPECT_TRUE(same_bits(logits, expected))
              << target << ", " << n_threads << " threads, chunks of " << chunk << ", kv type " << kv_type;
        }
      }
    }
  }
}

TEST_P(Determinism, RewindForkAndReset) {
  const Model model(reference_.path);
  const std::vector<float> expected = evaluate(model, ids_, {RUSTML_KV_F16, 0});
  for (const uint64_t keep : {1u, 127u, 128u, 200u, 386u}) {
    SCOPED_TRACE("keeping " + std::to_string(keep));
    const std::vector<int32_t> begin(ids_.begin(), ids_.begin() + static_cast<int64_t>(keep)),
        rest(ids_.begin() + static_cast<int64_t>(keep), ids_.end());
    const std::vector<float> short_of_it = evaluate(model, begin, {RUSTML_KV_F16, 0});
    Session session(model, {RUSTML_KV_F16, 0});
    session.eval(ids_);
    session.eval(begin);  // other tokens after it
    session.rewind(keep);
    EXPECT_TRUE(same_bits(session.logits(), short_of_it));
    Session forked = session.fork();
    EXPECT_TRUE(same_bits(forked.logits(), short_of_it));
    session.eval(rest);
    EXPECT_TRUE(same_bits(session.logits(), expected));
    for (const int32_t id : rest) forked.eval(&id, 1);
    EXPECT_TRUE(same_bits(forked.logits(), expected));
    session.reset();
    session.eval(begin);
    EXPECT_TRUE(same_bits(session.logits(), short_of_it));
  }
}

// An answer generated token by token leaves what one evaluation of all its tokens would.
TEST_P(Determinism, GenerationEqualsEvaluation) {
  const Model model(reference_.path);
  Session session(model);
  std::vector<int32_t> chosen, all = ids_;
  session.greedy(ids_, 12, 0, chosen);
  ASSERT_EQ(chosen.size(), 12u);
  for (const int32_t id : chosen) {
    const std::vector<float> logits = evaluate(model, all, {});
    EXPECT_EQ(std::max_element(logits.begin(), logits.end()) - logits.begin(), id);
    all.push_back(id);
  }
}

// Under sanitizers one model per kind of kernel: equality itself is the release build's business.
#ifdef RUSTML_SANITIZED
const std::vector<std::string> kModels = {"base_q8_0", "odd_f16"};
#else
const std::vector<std::string> kModels = {"base_f32", "base_q8_0", "base_q4_0", "base_q4_1", "odd_f16", "llama3_f16", "kquant"};
#endif
INSTANTIATE_TEST_SUITE_P(Models, Determinism, testing::ValuesIn(kModels), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace golden
