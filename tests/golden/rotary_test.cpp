// Rotary scaling that depends on the session's context (golden models llama_dynamic and llama_longrope, made for 256 tokens at first):
// what a session gives is a function of its tokens and its context, whatever way it came to them.
#include <gtest/gtest.h>

#include "compare.h"
#include "engine.h"
#include "reference.h"

namespace golden {
namespace {

constexpr uint64_t kOriginal = 256;

class ByLength : public testing::TestWithParam<const char*> {
 protected:
  const Reference reference_ = load(std::string("architectures/") + GetParam());
  const Model model_{reference_.path};
  const Prompt& long_ = reference_.prompts.back();

  Session of_context(uint64_t n) const { return Session(model_, {.context_tokens = n}); }
};

TEST_P(ByLength, DefaultSessionsHoldTheOriginalContext) {
  EXPECT_EQ(Session(model_).info().capacity, kOriginal);
  EXPECT_EQ(model_.info().context_length, 1024u);
  for (const Prompt& p : reference_.prompts) {
    if (p.context > kOriginal) continue;
    EXPECT_TRUE(same_bits(evaluate(model_, p.ids), evaluate(model_, p.ids, {.context_tokens = p.context})));
  }
  const std::vector<int32_t>& ids = reference_.prompts[2].ids;
  EXPECT_FALSE(same_bits(evaluate(model_, ids), evaluate(model_, ids, {.context_tokens = kOriginal + 1})));
}

TEST_P(ByLength, RewindForkAndSnapshotContinueIdentically) {
  Session session = of_context(long_.context), restored = of_context(long_.context);
  session.eval(long_.ids);
  const std::vector<float> expected = session.logits();
  session.rewind(100);  // less than the original context: the frequencies stay the session's
  EXPECT_TRUE(
      same_bits(session.logits(), evaluate(model_, {long_.ids.begin(), long_.ids.begin() + 100}, {.context_tokens = long_.context})));
  restored.restore(session.snapshot());
  Session forked = session.fork();
  for (Session* s : {&session, &restored, &forked}) {
    s->eval({long_.ids.begin() + 100, long_.ids.end()});
    EXPECT_TRUE(same_bits(s->logits(), expected));
  }
}

TEST_P(ByLength, SnapshotsStayWithTheFrequenciesTheyWereMadeWith) {
  Session within = of_context(200), beyond = of_context(300);
  for (Session* s : {&within, &beyond}) s->eval(reference_.prompts[1].ids);
  EXPECT_EQ(of_context(kOriginal).try_restore(within.snapshot()), RUSTML_OK);
  EXPECT_EQ(of_context(300).try_restore(beyond.snapshot()), RUSTML_OK);
  EXPECT_EQ(of_context(kOriginal).try_restore(beyond.snapshot()), RUSTML_FAILED_PRECONDITION);
  EXPECT_EQ(of_context(300).try_restore(within.snapshot()), RUSTML_FAILED_PRECONDITION);
  const bool same = std::string(GetParam()) == "llama_longrope";  // one set of factors for all contexts beyond
  EXPECT_EQ(of_context(400).try_restore(beyond.snapshot()), same ? RUSTML_OK : RUSTML_FAILED_PRECONDITION);
}

INSTANTIATE_TEST_SUITE_P(Models, ByLength, testing::Values("llama_dynamic", "llama_longrope"),
                         [](const auto& info) { return std::string(info.param); });

// As Qwen's model cards ask for it: max_position_embeddings stays what the model was trained on.
TEST(Yarn, HoldsFactorTimesTheOriginalContext) {
  for (const char* form : {"", ".gguf"}) {
    const Model model(load("architectures/llama_yarn").path + form);
    EXPECT_EQ(model.info().context_length, 256u);
    EXPECT_EQ(Session(model).info().capacity, 256u);
  }
}

}  // namespace
}  // namespace golden
