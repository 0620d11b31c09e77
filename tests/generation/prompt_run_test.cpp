#include "generation/prompt_run.h"

#include "tiny.h"

namespace rustml::generation {
namespace {

TEST(PromptRun, GoesInAndComesOutAgain) {
  const auto engine = open_tiny("base_q8_0");
  const auto session = new_session(engine);
  runtime::StopSignal stop;
  eval(*session, some_ids(300));
  const std::vector<int32_t> before = session->tokens();
  const std::vector<float> logits = session->logits();
  for (const size_t common : {0u, 17u, 299u, 300u}) {
    std::vector<int32_t> prompt(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(common));
    const std::vector<int32_t> other = some_ids(200, 9);
    prompt.insert(prompt.end(), other.begin(), other.end());
    PromptRun run(*session, prompt);
    run.undo();
    EXPECT_EQ(session->tokens(), before) << "nothing to undo yet";
    EXPECT_EQ(run.begin(), common);
    while (!run.done()) ASSERT_TRUE(run.advance(stop));
    EXPECT_EQ(session->tokens(), prompt);
    EXPECT_TRUE(session->has_scores());
    run.undo();
    EXPECT_EQ(session->tokens(), before);
    EXPECT_EQ(session->logits(), logits);
  }
}

TEST(PromptRun, TheLastTokenIsEvaluatedAgainWhenItsScoresAreGone) {
  const auto session = new_session(open_tiny("base_q8_0"));
  eval(*session, some_ids(30));
  const std::vector<int32_t> prompt = some_ids(20);
  EXPECT_EQ(PromptRun(*session, prompt).begin(), 19u);
}

TEST(PromptRun, StopTokensAreSortedAndOnce) {
  const auto engine = open_tiny("base_q8_0");
  EXPECT_EQ(stop_tokens({9, 4, 9}, true, engine->tokenizer()), (std::vector<int32_t>{4, 9}));
  EXPECT_GT(stop_tokens({9, 4, 9}, false, engine->tokenizer()).size(), 2u);
}

}  // namespace
}  // namespace rustml::generation
