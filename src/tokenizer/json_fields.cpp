#include "tokenizer/json_fields.h"

#include "base/error.h"

namespace rustml::tokenizer {

using base::Json;

JsonFields::JsonFields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (object.kind != Json::Kind::object) base::fail(base::Status::data_loss, where_ + ": expected an object");
}

const Json* JsonFields::find(std::string_view key) const noexcept {
  const Json* value = object_.find(key);
  return value == nullptr || value->kind == Json::Kind::null ? nullptr : value;
}

const Json& JsonFields::require(std::string_view key, Json::Kind kind, const char* expected) const {
  const Json* value = find(key);
  if (value == nullptr) bad(key, std::string("missing, expected ") + expected);
  if (value->kind != kind) bad(key, std::string("expected ") + expected);
  return *value;
}

bool JsonFields::boolean(std::string_view key, bool fallback) const {
  return find(key) == nullptr ? fallback : require(key, Json::Kind::boolean, "true or false").boolean;
}

void JsonFields::bad(std::string_view key, const std::string& problem) const {
  base::fail(base::Status::data_loss, where_ + "." + std::string(key) + ": " + problem);
}

void JsonFields::unsupported(std::string_view key, std::string_view value, const char* supported) const {
  base::fail(base::Status::unimplemented,
             where_ + "." + std::string(key) + ": " + base::quoted(value) + " is not supported; supported are " + supported);
}

}  // namespace rustml::tokenizer
