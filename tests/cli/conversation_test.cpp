// Conversations longer than their context. Counts are compared with those of a context that holds everything, answers with those to
// prompts written out by hand.
#include "cli/conversation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "../real_files.h"
#include "program.h"

namespace rustml::cli_test {
namespace {

// What a conversation of many turns came to, by its events.
struct Turn {
  int64_t prompt, reused, session, dropped_turns = 0, dropped_tokens = 0;
  std::string finish, text;
};

std::vector<Turn> turns_of(const Outcome& outcome) {
  std::vector<Turn> turns;
  int64_t dropped_turns = 0, dropped_tokens = 0;
  std::string text;
  for (const base::Json& event : events(outcome.out)) {
    const std::string& type = event.find("type")->string;
    if (type == "dropped") {
      dropped_turns = event.find("turns")->integer;
      dropped_tokens = event.find("tokens")->integer;
    }
    if (type == "token" || type == "done") text += event.find("text")->string;
    if (type != "done") continue;
    const base::Json& usage = *event.find("usage");
    const auto count = [&](const char* name) { return usage.find(name)->integer; };
    turns.push_back({count("prompt_tokens"), count("prompt_tokens_reused"), count("session_tokens"), std::exchange(dropped_turns, 0),
                     std::exchange(dropped_tokens, 0), event.find("finish_reason")->string, std::exchange(text, "")});
  }
  return turns;
}

std::string question(size_t i) { return "Say something about " + std::to_string(i) + "."; }

std::string lines(size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += question(i) + "\n";
  return text;
}

constexpr int kTurns = 50, kContext = 160;

std::vector<Turn> long_conversation(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--context", std::to_string(kContext), "--json", "--system", "Be brief.", "--seed", "1"});
  const Outcome outcome = infer(arguments, {.text = lines(kTurns)});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<Turn> turns = turns_of(outcome);
  EXPECT_EQ(turns.size(), size_t{kTurns});
  size_t drops = 0, said = 0;
  for (size_t i = 0; i < turns.size(); ++i) {
    const Turn& t = turns[i];
    EXPECT_LE(t.session, kContext);
    EXPECT_EQ(t.reused > 0, i > 0) << "the system message at least";
    if (t.dropped_turns == 0) continue;
    ++drops;
    EXPECT_LE(t.prompt, kContext / 2) << "half of the context is free then";
    EXPECT_LT(t.reused, t.prompt);
    const std::string n = t.dropped_turns == 1 ? "oldest turn (" : std::to_string(t.dropped_turns) + " oldest turns (";
    said += outcome.err.find("dropped the " + n + std::to_string(t.dropped_tokens) + " tokens) to fit the context of 160\n") !=
            std::string::npos;
  }
  EXPECT_GT(drops, 5u);
  EXPECT_EQ(said, drops) << outcome.err;
  return turns;
}

TEST(Conversation, GoesOnWhenTheContextIsFull) {
  const std::vector<std::string> arguments = {"chat", "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "12", "--ignore-eos"};
  const std::vector<Turn> turns = long_conversation(arguments);
  const auto at = std::find_if(turns.begin(), turns.end(), [](const Turn& t) { return t.dropped_turns > 0; });
  ASSERT_NE(at, turns.end());
  // Where there is room for all turns the same prompt is longer by what was dropped.
  std::vector<std::string> roomy = arguments;
  roomy.insert(roomy.end(), {"--json", "--quiet", "--system", "Be brief.", "--seed", "1"});
  const std::vector<Turn> all = turns_of(infer(roomy, {.text = lines(static_cast<size_t>(at - turns.begin()) + 1)}));
  EXPECT_EQ(all.back().dropped_turns, 0);
  EXPECT_EQ(all.back().prompt, at->prompt + at->dropped_tokens);
  // --quiet leaves the lines out; nothing else changes.
  std::vector<std::string> quiet = arguments;
  quiet.insert(quiet.end(), {"--context", "160", "--quiet", "--log", "error"});
  const Outcome outcome = infer(quiet, {.text = lines(kTurns)});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
}

TEST(Conversation, AnAnswerThatFillsTheContextIsToldAndTheNextTurnMakesRoom) {
  Terminal terminal(
      {"chat", "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "0", "--ignore-eos", "--context", "64", "--log", "error", "--seed", "1"},
      80);
  terminal.wait_for_prompt();
  EXPECT_NE(terminal.ask("hello").find("the answer ends here: the context of 64 tokens is full"), std::string::npos);
  const std::string shown = terminal.ask("again");
  EXPECT_NE(shown.find("dropped the oldest turn ("), std::string::npos) << shown;
  // A message that does not fit even alone changes nothing.
  const std::string refused = terminal.ask(std::string(200, 'x'));
  EXPECT_NE(refused.find("error: --context is 64"), std::string::npos) << refused;
  EXPECT_NE(refused.find("does not fit even alone"), std::string::npos) << refused;
  EXPECT_EQ(refused.find("dropped"), std::string::npos) << refused;
  EXPECT_EQ(terminal.ask("/undo"), "took back: again\n");
  EXPECT_EQ(terminal.ask("/undo"), "took back: hello\n");
  EXPECT_EQ(terminal.end(), 0);
}

// After turns were dropped the answer is the one to the kept ones, written out by hand in ChatML.
TEST(Conversation, SmolLM2GoesOnWhenTheContextIsFull) {
  SMOLLM2_OR_SKIP(model);
  const std::vector<std::string> arguments = {"--gguf", model, "--max-tokens", "6"};
  std::vector<std::string> chat = {"chat"}, run = {"--prompt", "-", "--parse-special", "--quiet"};
  chat.insert(chat.end(), arguments.begin(), arguments.end());
  run.insert(run.end(), arguments.begin(), arguments.end());
  const std::vector<Turn> turns = long_conversation(chat);
  const auto at = std::find_if(turns.begin(), turns.end(), [](const Turn& t) { return t.dropped_turns > 0; });
  ASSERT_NE(at, turns.end());
  const auto last = static_cast<size_t>(at - turns.begin());
  std::string prompt = "<|im_start|>system\nBe brief.<|im_end|>\n";
  for (auto i = static_cast<size_t>(at->dropped_turns); i <= last; ++i) {
    prompt += "<|im_start|>user\n" + question(i) + "<|im_end|>\n<|im_start|>assistant\n";
    if (i < last) prompt += turns[i].text + "<|im_end|>\n";
  }
  EXPECT_EQ(at->text, infer(run, {.text = prompt}).out);
}

}  // namespace
}  // namespace rustml::cli_test
