#include "cli/messages.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace rustml::cli {
namespace {

TEST(Messages, BecomeTheJsonOfTheApi) {
  Messages messages("be \"brief\"");
  messages.add("line\nline \xF0\x9F\x98\x80", "answer", 0);
  rustml_model_info info{};
  info.has_chat_template = 1;
  rustml_prompt prompt{};
  const base::Json json = base::parse_json(messages.prompt(info, 0, "and?", prompt), "messages");
  EXPECT_EQ(prompt.kind, RUSTML_PROMPT_MESSAGES);
  ASSERT_EQ(json.items.size(), 4u);
  const std::pair<const char*, const char*> wanted[] = {
      {"system", "be \"brief\""}, {"user", "line\nline \xF0\x9F\x98\x80"}, {"assistant", "answer"}, {"user", "and?"}};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(json.items[i].find("role")->string, wanted[i].first);
    EXPECT_EQ(json.items[i].find("content")->string, wanted[i].second);
  }
  messages.clear();
  EXPECT_EQ(base::parse_json(messages.prompt(info, 0, "and?", prompt), "messages").items.size(), 2u) << "the system message stays";
}

TEST(Messages, AreConcatenatedWithoutATemplate) {
  Messages messages("");
  messages.add("Once", "upon", 0);
  rustml_model_info info{};
  rustml_prompt prompt{};
  EXPECT_EQ(messages.prompt(info, 0, "a", prompt), "Once\n\nupon\na\n\n");
  EXPECT_EQ(prompt.kind, RUSTML_PROMPT_TEXT);
}

TEST(Messages, UndoBringsBackWhatWasDroppedForTheTurn) {
  Messages messages("S");
  rustml_model_info info{};
  rustml_prompt prompt{};
  const auto text = [&] { return messages.prompt(info, messages.first(), "?", prompt); };
  messages.add("a", "A", 0);
  messages.add("b", "B", 0);
  const std::string before = text();
  messages.add("c", "C", 1);
  EXPECT_EQ(text(), "S\n\nb\n\nB\nc\n\nC\n?\n\n");
  EXPECT_EQ(messages.undo(), "c");
  EXPECT_EQ(text(), before);
  messages.add("d", "D", 2);
  EXPECT_EQ(text(), "S\n\nd\n\nD\n?\n\n");
  messages.clear();
  EXPECT_EQ(text(), "S\n\n?\n\n");
  EXPECT_EQ(messages.n_turns(), 0u);
}

}  // namespace
}  // namespace rustml::cli
