#include "../base/expect_error.h"
#include "chat/chat.h"

namespace {

using rustml::base::Status;
using namespace rustml::chat;

std::string field(const Value& message, std::string_view name) {
  const Value* found = find(message, name);
  return found == nullptr ? "none" : to_text(*found).bytes();
}

TEST(Messages, KeepAllOfIt) {
  const Messages messages = read_messages(
      R"([{"role":"system","content":"a\nb"},{"content":[{"type":"text","text":"x"},{"text":"y","type":"text"}],"role":"user","name":"n"},
          {"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},{"role":"tool","content":"1","extra":[1.5]}])",
      true);
  const auto& list = messages.list.items();
  ASSERT_EQ(list.size(), 4u);
  EXPECT_TRUE(messages.parts);
  EXPECT_EQ(field(list[0], "role"), "system");
  EXPECT_EQ(field(list[0], "content"), "a\nb");
  EXPECT_EQ(field(list[1], "content"), "xy");
  EXPECT_EQ(field(list[1], "name"), "n");
  EXPECT_EQ(field(list[2], "content"), "None");
  EXPECT_EQ(field(list[2], "tool_calls"), "[{'function': {'name': 'f', 'arguments': {'a': 1}}}]");
  EXPECT_EQ(field(list[3], "extra"), "[1.5]");
  EXPECT_EQ(field(list[3], "content"), "1");
}

// Roles that all templates know may become part of the model's own markers; no other text of the caller may.
TEST(Messages, KnownRolesAreTheModelsOwnText) {
  const Messages messages = read_messages(R"([{"role":"user","content":"user"},{"role":"pirate","content":""}])");
  const auto& list = messages.list.items();
  EXPECT_EQ(find(list[0], std::string_view("role"))->as_text().origin(0), Origin::model);
  EXPECT_EQ(find(list[0], std::string_view("content"))->as_text().origin(0), Origin::data);
  EXPECT_EQ(find(list[1], std::string_view("role"))->as_text().origin(0), Origin::data);
}

TEST(Messages, RefusesByPlace) {
  const auto refused = [](const char* json, const char* part) { EXPECT_ERROR(read_messages(json), Status::invalid_argument, part); };
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
  refused(R"([{"role":"user","content":7}])", "messages[0].content must be a string");
  refused(R"([{"role":"user","content":[1]}])", "messages[0].content[0] is 1; it must be an object");
  refused(R"([{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":"y"}]}])",
          "messages[0].content[1].type is \"image_url\"; only \"text\" is supported");
  refused(R"([{"role":"user","content":[{"text":"x"}]}])", "messages[0].content[0].type");
  refused(R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text");
  refused(R"([{"role":"user","role":"system","content":"x"}])", "messages");
  refused("[{\"role\":\"user\",\"content\":\"\xFF\"}]", "messages");
}

}  // namespace
