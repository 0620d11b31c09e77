// Messages in the OpenAI shape: a JSON array of {"role", "content"}. What would be ignored silently is refused.
#include "base/error.h"
#include "base/json.h"
#include "chat/chat.h"

namespace rustml::chat {
namespace {

using base::Json;

[[noreturn]] void bad(const std::string& place, const std::string& problem) {
  base::fail(base::Status::invalid_argument, place + ": " + problem);
}

// A string, or an array of {"type": "text", "text": ...} whose texts are joined.
std::string read_content(const Json& content, const std::string& place) {
  if (content.kind == Json::Kind::string) return content.string;
  if (content.kind != Json::Kind::array) bad(place, "expected a string or an array of text parts");
  std::string text;
  for (size_t i = 0; i < content.items.size(); ++i) {
    const Json& part = content.items[i];
    const std::string part_place = place + "[" + std::to_string(i) + "]";
    if (part.kind != Json::Kind::object) bad(part_place, "expected an object with \"type\" and \"text\"");
    const Json* type = part.find("type");
    if (type == nullptr || type->kind != Json::Kind::string) bad(part_place + ".type", "expected a string");
    if (type->string != "text") bad(part_place + ".type", base::quoted(type->string) + " is not supported, only \"text\" is");
    const Json* value = part.find("text");
    if (value == nullptr || value->kind != Json::Kind::string) bad(part_place + ".text", "expected a string");
    text += value->string;
  }
  return text;
}

}  // namespace

std::vector<Message> parse_messages(std::string_view json) {
  const Json root = base::parse_json(json, "messages");
  if (root.kind != Json::Kind::array) bad("messages", "expected an array of {\"role\", \"content\"}");
  if (root.items.empty()) bad("messages", "expected at least one message");
  std::vector<Message> messages;
  messages.reserve(root.items.size());
  for (size_t i = 0; i < root.items.size(); ++i) {
    const Json& item = root.items[i];
    const std::string place = "messages[" + std::to_string(i) + "]";
    if (item.kind != Json::Kind::object) bad(place, "expected an object with \"role\" and \"content\"");
    for (const auto& [name, value] : item.members) {
      if (name != "role" && name != "content" && name != "name") bad(place + "." + name, "is not supported; role, content and name are");
    }
    const Json* role = item.find("role");
    if (role == nullptr || role->kind != Json::Kind::string || role->string.empty()) bad(place + ".role", "expected a non-empty string");
    const Json* content = item.find("content");
    if (content == nullptr) bad(place + ".content", "missing");
    messages.push_back({role->string, read_content(*content, place + ".content")});
  }
  return messages;
}

}  // namespace rustml::chat
