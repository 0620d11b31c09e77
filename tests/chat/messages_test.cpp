#include "../base/expect_error.h"
#include "chat/chat.h"

namespace {

using rustml::base::Status;
using rustml::chat::Message;
using rustml::chat::parse_messages;

TEST(Messages, TextsAndParts) {
  const auto messages = parse_messages(
      R"([{"role":"system","content":"a\nb"},{"content":[{"type":"text","text":"x"},{"text":"y","type":"text"}],"role":"user","name":"n"},
                                           {"role":"assistant","content":""},{"role":"user","content":[]}])");
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_EQ(messages[0].content, "a\nb");
  EXPECT_EQ(messages[1].role, "user");
  EXPECT_EQ(messages[1].content, "xy");
  EXPECT_EQ(messages[2].content, "");
  EXPECT_EQ(messages[3].content, "");
}

TEST(Messages, RefusesByPlace) {
  const auto refused = [](const char* json, const char* part) { EXPECT_ERROR(parse_messages(json), Status::invalid_argument, part); };
  refused("", "messages");
  refused("[", "messages");
  refused("[] x", "messages");
  refused("[]", "messages: expected at least one message");
  refused("{}", "messages is an object; it must be a list");
  refused("\"x\"", "messages is \"x\"; it must be a list");
  refused("[1]", "messages[0] is 1; it must be an object");
  refused(R"([{"content":"x"}])", "messages[0].role");
  refused(R"([{"role":"","content":"x"}])", "messages[0].role");
  refused(R"([{"role":1,"content":"x"}])", "messages[0].role");
  refused(R"([{"role":"user"}])", "messages[0].content is missing");
  refused(R"([{"role":"user","content":"x"},{"role":"user","content":null}])", "messages[1].content is null");
  refused(R"([{"role":"user","content":[1]}])", "messages[0].content[0] is 1; it must be an object");
  refused(R"([{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":"y"}]}])",
          "messages[0].content[1].type is \"image_url\"; only \"text\" is supported");
  refused(R"([{"role":"user","content":[{"text":"x"}]}])", "messages[0].content[0].type");
  refused(R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text");
  refused(R"([{"role":"assistant","content":"x","tool_calls":[]}])", "messages[0].tool_calls is not supported");
  refused(R"([{"role":"user","role":"system","content":"x"}])", "messages");
  refused("[{\"role\":\"user\",\"content\":\"\xFF\"}]", "messages");
}

}  // namespace
