#include "generation/prompt.h"

#include "tiny.h"

namespace rustml::generation {
namespace {

TEST(Prompt, GoesInAndComesOutAgain) {
  const auto engine = open_tiny("base_q8_0");
  const auto session = std::static_pointer_cast<LiveSession>(new_session(engine));
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

TEST(Prompt, TheLastTokenIsEvaluatedAgainWhenItsScoresAreGone) {
  const auto session = std::static_pointer_cast<LiveSession>(new_session(open_tiny("base_q8_0")));
  eval(*session, some_ids(30));
  const std::vector<int32_t> prompt = some_ids(20);
  EXPECT_EQ(PromptRun(*session, prompt).begin(), 19u);
}

TEST(Prompt, StopTokensAreSortedAndOnce) {
  const auto engine = open_tiny("base_q8_0");
  EXPECT_EQ(stop_tokens({9, 4, 9}, true, engine->tokenizer()), (std::vector<int32_t>{4, 9}));
  EXPECT_GT(stop_tokens({9, 4, 9}, false, engine->tokenizer()).size(), 2u);
}

TEST(Prompt, AStopIsNotedWithItsCause) {
  runtime::CancelFlag flag;
  flag.trigger(7);
  runtime::StopSignal cancelled(&flag), late(nullptr, 1);
  ASSERT_TRUE(cancelled.poll() && late.poll());
  Result result;
  note_stop(result, cancelled);
  EXPECT_EQ(result.status, base::Status::cancelled);
  EXPECT_EQ(result.finish, Finish::cancelled);
  EXPECT_EQ(result.cancel_reason, 7u);
  result = {};
  note_stop(result, late);
  EXPECT_EQ(result.status, base::Status::deadline_exceeded);
  EXPECT_EQ(result.deadline, 1);
}

}  // namespace
}  // namespace rustml::generation
