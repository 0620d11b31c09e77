// Messages in the OpenAI shape: a JSON array of {"role", "content"}. What would be ignored silently is refused.
#include "base/json_fields.h"
#include "chat/chat.h"

namespace rustml::chat {
namespace {

using base::Json;
using base::JsonFields;

// A string, or an array of {"type": "text", "text": ...} whose texts are joined.
std::string read_content(const JsonFields& message) {
  const Json& content = message.require("content");
  if (content.kind == Json::Kind::string) return content.string;
  if (content.kind != Json::Kind::array) message.fail("content", "must be a string or a list of text parts");
  std::string text;
  for (const JsonFields& part : message.objects("content")) {
    if (part.text("type") != "text") part.fail("type", "is " + base::quoted(part.text("type")) + "; only \"text\" is supported");
    text += part.text("text");
  }
  return text;
}

}  // namespace

std::vector<Message> parse_messages(std::string_view json) {
  Json root;
  root.kind = Json::Kind::object;
  root.members.push_back({"messages", base::parse_json(json, "messages")});
  std::vector<Message> messages;
  for (const JsonFields& message : JsonFields(std::move(root), "", "", base::Status::invalid_argument).objects("messages")) {
    for (const std::string& name : message.names()) {
      if (name != "role" && name != "content" && name != "name") message.fail(name, "is not supported; role, content and name are");
    }
    if (message.text("role").empty()) message.fail("role", "is empty; it must be a name");
    messages.push_back({message.text("role"), read_content(message)});
  }
  if (messages.empty()) base::fail(base::Status::invalid_argument, "messages: expected at least one message");
  return messages;
}

}  // namespace rustml::chat
