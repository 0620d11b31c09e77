#include "cli/messages.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace rustml::cli {
namespace {

TEST(Messages, BecomeTheJsonOfTheApi) {
  Messages messages("be \"brief\"");
  messages.add("user", "line\nline \xF0\x9F\x98\x80");
  rustml_model_info info{};
  info.has_chat_template = 1;
  rustml_prompt prompt{};
  const base::Json json = base::parse_json(messages.prompt(info, prompt), "messages");
  EXPECT_EQ(prompt.kind, RUSTML_PROMPT_MESSAGES);
  ASSERT_EQ(json.items.size(), 2u);
  EXPECT_EQ(json.items[0].find("role")->string, "system");
  EXPECT_EQ(json.items[0].find("content")->string, "be \"brief\"");
  EXPECT_EQ(json.items[1].find("content")->string, "line\nline \xF0\x9F\x98\x80");
  messages.clear();
  EXPECT_EQ(base::parse_json(messages.prompt(info, prompt), "messages").items.size(), 1u) << "the system message stays";
}

TEST(Messages, AreConcatenatedWithoutATemplate) {
  Messages messages("");
  messages.add("user", "Once");
  messages.add("assistant", "upon");
  messages.add("user", "dropped");
  messages.drop_last();
  rustml_model_info info{};
  rustml_prompt prompt{};
  const std::string text = messages.prompt(info, prompt);
  EXPECT_EQ(prompt.kind, RUSTML_PROMPT_TEXT);
  EXPECT_EQ(text, "Once\n\nupon\n");
}

}  // namespace
}  // namespace rustml::cli
