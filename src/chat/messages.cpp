#include <algorithm>

#include "base/json_fields.h"
#include "chat/chat.h"
#include "chat/from_json.h"

namespace rustml::chat {
namespace {

using base::Json;
using base::JsonFields;

// Roles that all templates know. Templates make turn tokens of them ("<|" + role + "|>"), so they count as the template's own text;
// any other role is data.
constexpr std::string_view kRoles[] = {"system", "user", "assistant", "tool", "developer", "function", "model", "ipython"};

// Text, null, or [{"type": "text", "text": …}, …]; may be absent where the message has something else to say.
void check_content(const JsonFields& message) {
  const bool other = message.has("tool_calls") || message.has("reasoning_content");
  if (!message.has("content")) {
    if (!other) message.require("content");
    return;
  }
  const Json& content = message.require("content");
  if (content.kind == Json::Kind::string) return;
  if (content.kind != Json::Kind::array) message.fail("content", "must be a string, null beside tool_calls, or a list of text parts");
  for (const JsonFields& part : message.objects("content")) {
    if (part.text("type") != "text") part.fail("type", "is " + base::quoted(part.text("type")) + "; only \"text\" is supported");
    part.text("text");
  }
}

// The texts of the parts, one behind the other.
Text joined_parts(const std::vector<Json>& parts) {
  Text text;
  for (const Json& part : parts) text.append(part.find("text")->string, Origin::data);
  return text;
}

Value message_value(const Json& message, bool joined, bool& parts) {
  Pairs pairs;
  for (const auto& [name, value] : message.members) {
    Value seen = from_json(value);
    if (name == "role" && std::ranges::count(kRoles, value.string) != 0) seen = Value::of_model(value.string);
    if (name == "content" && value.kind == Json::Kind::array) {
      parts = true;
      if (joined) seen = Value(joined_parts(value.items));
    }
    pairs.emplace_back(Value::of_model(name), std::move(seen));
  }
  return Value::dict(std::move(pairs));
}

}  // namespace

Messages read_messages(std::string_view json, bool joined) {
  Json root;
  root.kind = Json::Kind::object;
  root.members.push_back({"messages", base::parse_json(json, "messages")});
  const JsonFields fields(std::move(root), "", "", base::Status::invalid_argument);
  std::vector<Value> list;
  Messages messages;
  const std::vector<JsonFields> objects = fields.objects("messages");
  for (const JsonFields& message : objects) {
    if (message.text("role").empty()) message.fail("role", "is empty; it must be a name");
    check_content(message);
  }
  for (const Json& message : fields.require("messages").items) list.push_back(message_value(message, joined, messages.parts));
  if (list.empty()) base::fail(base::Status::invalid_argument, "messages: expected at least one message");
  messages.list = Value::list(std::move(list));
  return messages;
}

}  // namespace rustml::chat
