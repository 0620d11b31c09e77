#include "chat/from_json.h"

namespace rustml::chat {

Value from_json(const base::Json& json) {
  using Kind = base::Json::Kind;
  switch (json.kind) {
    case Kind::null: return Value(None{});
    case Kind::boolean: return Value(json.boolean);
    case Kind::integer: return Value(json.integer);
    case Kind::number: return Value(json.number);
    case Kind::string: return Value(Text(json.string, Origin::data));
    case Kind::array: {
      std::vector<Value> items;
      items.reserve(json.items.size());
      for (const base::Json& item : json.items) items.push_back(from_json(item));
      return Value::list(std::move(items));
    }
    case Kind::object: {
      Pairs pairs;
      pairs.reserve(json.members.size());
      for (const auto& [key, member] : json.members) pairs.emplace_back(Value(Text(key, Origin::data)), from_json(member));
      return Value::dict(std::move(pairs));
    }
  }
  return {};
}

}  // namespace rustml::chat
