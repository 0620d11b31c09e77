#include "models/config_json.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/number_text.h"

namespace rustml::models {

using base::Json;
using base::Status;

namespace {

std::string shown(const Json& value) {
  switch (value.kind) {
    case Json::Kind::null:
      return "null";
    case Json::Kind::boolean:
      return value.boolean ? "true" : "false";
    case Json::Kind::integer:
      return std::to_string(value.integer);
    case Json::Kind::number:
      return base::shortest(value.number);
    case Json::Kind::string:
      return base::quoted(value.string);
    case Json::Kind::array:
      return "a list";
    default:
      return "an object";
  }
}

}  // namespace

ConfigJson::ConfigJson(const formats::ModelFile& file) : subject_(file.name + "/config.json: ") {
  const auto text = file.documents.find("config.json");
  if (text == file.documents.end()) base::fail(Status::not_found, subject_ + "the file is missing");
  try {
    document_ = std::make_shared<const Json>(base::parse_json(text->second, file.name + "/config.json"));
  } catch (const base::Error& error) {
    base::fail(Status::data_loss, error.message());
  }
  object_ = document_.get();
  if (object_->kind != Json::Kind::object)
    base::fail(Status::data_loss, subject_ + "it holds " + shown(*object_) + "; an object with the model's fields is wanted");
}

ConfigJson::ConfigJson(const ConfigJson& parent, std::string_view field)
    : subject_(parent.subject_ + std::string(field) + "."), document_(parent.document_), object_(parent.find(field)) {
  if (object_ && object_->kind != Json::Kind::object) parent.fail(field, "is " + shown(*object_) + "; it must be an object");
}

void ConfigJson::use_defaults(const char* json) { defaults_ = std::make_shared<const Json>(base::parse_json(json, "defaults")); }

ConfigJson ConfigJson::object(std::string_view field) const { return ConfigJson(*this, field); }

void ConfigJson::fail(std::string_view field, const std::string& problem) const {
  base::fail(Status::data_loss, subject_ + std::string(field) + " " + problem);
}

const Json* ConfigJson::find(std::string_view field) const {
  const Json* value = object_ ? object_->find(field) : nullptr;
  if (!value && defaults_) value = defaults_->find(field);
  return value && value->kind != Json::Kind::null ? value : nullptr;
}

const Json& ConfigJson::require(std::string_view field) const {
  if (const Json* value = find(field)) return *value;
  fail(field, object_ && object_->find(field) ? "is null; it must be given" : "is missing; it must be given");
}

int64_t ConfigJson::as_size(std::string_view field, const Json& value, int64_t limit) const {
  if (value.kind != Json::Kind::integer || value.integer < 1 || value.integer > limit)
    fail(field, "is " + shown(value) + "; it must be a whole number, 1 to " + std::to_string(limit));
  return value.integer;
}

double ConfigJson::as_positive(std::string_view field, const Json& value) const {
  const bool is_number = value.kind == Json::Kind::integer || value.kind == Json::Kind::number;
  if (!is_number || !(value.number > 0) || !std::isfinite(value.number))
    fail(field, "is " + shown(value) + "; it must be a positive number");
  return value.number;
}

int64_t ConfigJson::size(std::string_view field, int64_t limit) const { return as_size(field, require(field), limit); }

int64_t ConfigJson::size(std::string_view field, int64_t limit, int64_t fallback) const {
  const Json* value = find(field);
  return value ? as_size(field, *value, limit) : fallback;
}

double ConfigJson::positive(std::string_view field) const { return as_positive(field, require(field)); }

double ConfigJson::positive(std::string_view field, double fallback) const {
  const Json* value = find(field);
  return value ? as_positive(field, *value) : fallback;
}

bool ConfigJson::flag(std::string_view field, bool fallback) const {
  const Json* value = find(field);
  if (value && value->kind != Json::Kind::boolean) fail(field, "is " + shown(*value) + "; it must be true or false");
  return value ? value->boolean : fallback;
}

std::string ConfigJson::text(std::string_view field, std::string_view fallback) const {
  const Json* value = find(field);
  if (value && value->kind != Json::Kind::string) fail(field, "is " + shown(*value) + "; it must be a string");
  return value ? value->string : std::string(fallback);
}

std::vector<std::string> ConfigJson::texts(std::string_view field) const {
  const Json* value = find(field);
  std::vector<std::string> items;
  if (!value) return items;
  if (value->kind != Json::Kind::array) fail(field, "is " + shown(*value) + "; it must be a list of strings");
  for (const Json& item : value->items) {
    if (item.kind != Json::Kind::string) fail(field, "holds " + shown(item) + "; it must be a list of strings");
    items.push_back(item.string);
  }
  return items;
}

void ConfigJson::require_text(std::string_view field, std::initializer_list<std::string_view> supported) const {
  if (!has(field)) return;
  const std::string value = text(field, "");
  if (std::find(supported.begin(), supported.end(), value) != supported.end()) return;
  std::string list;
  for (const std::string_view s : supported) list += (list.empty() ? "" : ", ") + std::string(s);
  base::fail(Status::unimplemented, subject_ + std::string(field) + " is " + base::quoted(value) + "; supported: " + list);
}

void ConfigJson::require_flag(std::string_view field, bool supported) const {
  if (flag(field, supported) == supported) return;
  const char* const names[] = {"false", "true"};
  base::fail(Status::unimplemented,
             subject_ + std::string(field) + " is " + names[!supported] + "; only " + names[supported] + " is supported");
}

void ConfigJson::require_absent(std::string_view field) const {
  if (const Json* value = find(field))
    base::fail(Status::unimplemented, subject_ + std::string(field) + " is " + shown(*value) + "; only null is supported");
}

}  // namespace rustml::models
