// What a Q8_0 cache loses where keys have large biases, as those of Qwen 2.5 do (make_key_bias.py), and that its bits are the same
// everywhere, alone and after a snapshot.
#include <gtest/gtest.h>

#include <cstdio>

#include "compare.h"
#include "engine.h"
#include "reference.h"

namespace golden {
namespace {

constexpr SessionSetup kQ8{RUSTML_KV_Q8_0, 0};

// KL in nats. Without biases, rounding K and V costs models of this size up to 1e-3 (tiny_test.cpp allows 4e-3).
constexpr double kBound = 1e-3;
// Of llama.cpp's Q8_0 cache, as make_key_bias.py found them.
constexpr double kLlamaCpp[] = {0.06041, 0.00392, 0.02959, 0.01804};

TEST(KvQ8, LosesLittleWhereKeysHaveLargeBiases) {
  const Reference r = load("key_bias");
  const Model model(r.path);
  ASSERT_EQ(r.prompts.size(), std::size(kLlamaCpp));
  for (size_t i = 0; i < r.prompts.size(); ++i) {
    const Prompt& p = r.prompts[i];
    EXPECT_LE(largest_difference(p.logprobs, log_softmax(evaluate(model, p.ids))), r.logprob_tolerance) << "F32 cache";
    const double lost = divergence(p.logprobs, log_softmax(evaluate(model, p.ids, kQ8)));
    EXPECT_LE(lost, kBound) << p.ids.size() << " tokens";
    EXPECT_LT(lost, kLlamaCpp[i]) << p.ids.size() << " tokens";
    std::printf("Q8_0 cache, large key biases, %zu tokens: KL %.6f (llama.cpp's %.6f)\n", p.ids.size(), lost, kLlamaCpp[i]);
  }
}

TEST(KvQ8, BitsAreTheSameOnEveryTargetWithAnyThreadsAndChunks) {
  const Reference r = load("key_bias");
  const std::vector<int32_t>& ids = r.prompts[2].ids;  // three blocks
  std::vector<float> expected;
  for (const std::string& target : simd_targets()) {
    if (target == "sse41") continue;  // without fused multiply-add
    for (const int32_t n_threads : {1, 2, 4}) {
      if (n_threads == 1 && target == "scalar") continue;
      const Model model(r.path, {target, n_threads});
      for (const uint32_t chunk : {1u, 7u, 64u, 4096u}) {
        if (n_threads != 2 && chunk != 64) continue;
        const std::vector<float> logits = evaluate(model, ids, {RUSTML_KV_Q8_0, chunk});
        if (expected.empty()) expected = logits;
        EXPECT_TRUE(same_bits(logits, expected)) << target << ", " << n_threads << " threads, chunks of " << chunk;
      }
    }
  }
}

TEST(KvQ8, SnapshotForkAndRewindGoOnWithTheSameBits) {
  const Reference r = load("key_bias");
  const Model model(r.path), again(r.path);
  const std::vector<int32_t>&begin = r.prompts[1].ids, &all = r.prompts[2].ids;
  const std::vector<int32_t> rest(all.begin() + static_cast<int64_t>(begin.size()), all.end());
  const std::vector<float> expected = evaluate(model, all, kQ8);
  Session session(model, kQ8), restored(again, kQ8);
  session.eval(begin);
  restored.restore(session.snapshot());
  Session forked = session.fork();
  for (Session* s : {&restored, &forked, &session}) {
    s->eval(rest);
    EXPECT_TRUE(same_bits(s->logits(), expected));
  }
  session.rewind(begin.size());
  session.eval(rest);
  EXPECT_TRUE(same_bits(session.logits(), expected));
}

}  // namespace
}  // namespace golden
