#include "base/json_fields.h"

#include <algorithm>
#include <cmath>

#include "base/refuse.h"

namespace rustml::base {
namespace {

Given shown(const Json& value) {
  switch (value.kind) {
    case Json::Kind::null: return "null";
    case Json::Kind::boolean: return value.boolean ? "true" : "false";
    case Json::Kind::integer: return value.integer;
    case Json::Kind::number: return value.number;
    case Json::Kind::string: return Given::text(value.string);
    case Json::Kind::array: return "a list";
    default: return "an object";
  }
}

}  // namespace

JsonFields::JsonFields(std::shared_ptr<const Json> object, const std::string& place, const char* separator, Status fault)
    : prefix_(place + separator), fault_(fault), object_(std::move(object)) {
  if (object_->kind != Json::Kind::object) refuse_field(place, shown(*object_), "an object", fault);
}

void JsonFields::use_defaults(const Json& defaults) {
  Json merged = *object_;
  for (const Json::Member& member : defaults.members)
    if (!object_->find(member.first)) merged.members.push_back(member);
  object_ = std::make_shared<const Json>(std::move(merged));
}

void JsonFields::fail(std::string_view field, const std::string& problem) const { base::fail(fault_, place(field) + " " + problem); }

void JsonFields::refuse(std::string_view field, const Json& value, const std::string& wanted) const {
  refuse_field(place(field), shown(value), wanted, fault_);
}

void JsonFields::unsupported(std::string_view field, std::string_view value, std::string_view supported) const {
  base::fail(Status::unimplemented, place(field) + " is " + quoted(value) + "; supported: " + std::string(supported),
             refusal_detail(place(field), Given::text(value), "one of these: " + std::string(supported)));
}

std::vector<std::string> JsonFields::names() const {
  std::vector<std::string> names;
  for (const Json::Member& member : object_->members) names.push_back(member.first);
  return names;
}

const Json* JsonFields::find(std::string_view field) const {
  const Json* value = object_->find(field);
  return value && value->kind != Json::Kind::null ? value : nullptr;
}

const Json& JsonFields::require(std::string_view field) const {
  if (const Json* value = find(field)) return *value;
  refuse_field(place(field), object_->find(field) ? "null" : "missing", "given", fault_);
}

const Json& JsonFields::require(std::string_view field, Json::Kind kind, const char* wanted) const {
  const Json& value = require(field);
  if (value.kind != kind) refuse(field, value, wanted);
  return value;
}

int64_t JsonFields::whole(std::string_view field, int64_t low, int64_t high) const {
  const Json& value = require(field);
  if (value.kind != Json::Kind::integer || value.integer < low || value.integer > high)
    refuse(field, value, "a whole number, " + std::to_string(low) + (high == INT64_MAX ? " or more" : " to " + std::to_string(high)));
  return value.integer;
}

double JsonFields::positive(std::string_view field) const {
  const Json& value = require(field);
  const bool is_number = value.kind == Json::Kind::integer || value.kind == Json::Kind::number;
  if (!is_number || !(value.number > 0) || !std::isfinite(value.number)) refuse(field, value, "a positive number");
  return value.number;
}

bool JsonFields::flag(std::string_view field, bool fallback) const {
  return has(field) ? require(field, Json::Kind::boolean, "true or false").boolean : fallback;
}

std::string JsonFields::text(std::string_view field) const { return require(field, Json::Kind::string, "a string").string; }

const std::vector<Json>& JsonFields::list(std::string_view field) const { return require(field, Json::Kind::array, "a list").items; }

std::vector<std::string> JsonFields::texts(std::string_view field) const {
  std::vector<std::string> texts;
  if (!has(field)) return texts;
  for (const Json& item : require(field, Json::Kind::array, "a list of strings").items) {
    if (item.kind != Json::Kind::string) fail(field, "holds " + shown(item).words() + "; it must be a list of strings");
    texts.push_back(item.string);
  }
  return texts;
}

JsonFields JsonFields::object(std::string_view field) const {
  const Json& value = require(field, Json::Kind::object, "an object");
  return JsonFields(std::shared_ptr<const Json>(object_, &value), place(field), ".", fault_);
}

std::vector<JsonFields> JsonFields::objects(std::string_view field) const {
  std::vector<JsonFields> objects;
  for (const Json& item : list(field)) {
    const std::string at = place(field) + "[" + std::to_string(objects.size()) + "]";
    objects.push_back(JsonFields(std::shared_ptr<const Json>(object_, &item), at, ".", fault_));
  }
  return objects;
}

size_t JsonFields::choice(std::string_view field, std::initializer_list<std::string_view> supported) const {
  const std::string value = text(field);
  const auto found = std::find(supported.begin(), supported.end(), value);
  if (found != supported.end()) return static_cast<size_t>(found - supported.begin());
  std::string names;
  for (const std::string_view name : supported) names += (names.empty() ? "" : ", ") + std::string(name);
  unsupported(field, value, names.empty() ? "none" : names);
}

void JsonFields::require_text(std::string_view field, std::initializer_list<std::string_view> supported) const {
  if (has(field)) choice(field, supported);
}

void JsonFields::require_flag(std::string_view field, bool supported) const {
  static constexpr const char* kNames[] = {"false", "true"};
  if (flag(field, supported) != supported)
    base::fail(Status::unimplemented, place(field) + " is " + kNames[!supported] + "; only " + kNames[supported] + " is supported");
}

void JsonFields::require_absent(std::string_view field) const {
  if (const Json* value = find(field))
    base::fail(Status::unimplemented, place(field) + " is " + shown(*value).words() + "; only null is supported",
               refusal_detail(place(field), shown(*value), "null"));
}

}  // namespace rustml::base
