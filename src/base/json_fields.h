// The members of a JSON object by name, type and range. Null counts as absent. Every fault names the place, the value found and what it
// must be: "model/config.json: rope_scaling.factor is -1; it must be a positive number".
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace rustml::base {

class JsonFields {
 public:
  // `place` names the object in messages and `separator` stands between it and a field's name. Faults have the status `fault`; a value
  // that is valid and not known here is unimplemented. The object must outlive the fields, or is moved into them.
  JsonFields(const Json& object, const std::string& place, const char* separator = ".", Status fault = Status::data_loss)
      : JsonFields(std::shared_ptr<const Json>(std::shared_ptr<void>(), &object), place, separator, fault) {}
  JsonFields(Json&& object, const std::string& place, const char* separator = ".", Status fault = Status::data_loss)
      : JsonFields(std::make_shared<const Json>(std::move(object)), place, separator, fault) {}
  void use_defaults(const Json& defaults);  // for members that are absent; null is not

  const Json* find(std::string_view field) const;
  const Json& require(std::string_view field) const;
  bool has(std::string_view field) const { return find(field) != nullptr; }
  std::vector<std::string> names() const;
  std::string place(std::string_view field) const { return prefix_ + std::string(field); }  // as messages name it

  int64_t whole(std::string_view field, int64_t low, int64_t high) const;
  int64_t size(std::string_view field, int64_t limit) const { return whole(field, 1, limit); }
  int64_t size(std::string_view field, int64_t limit, int64_t fallback) const { return has(field) ? size(field, limit) : fallback; }
  double positive(std::string_view field) const;
  double positive(std::string_view field, double fallback) const { return has(field) ? positive(field) : fallback; }
  bool flag(std::string_view field, bool fallback) const;
  std::string text(std::string_view field) const;
  std::string text(std::string_view field, std::string_view fallback) const { return has(field) ? text(field) : std::string(fallback); }
  // The index of a text among those supported; others are unimplemented.
  size_t choice(std::string_view field, std::initializer_list<std::string_view> supported) const;
  std::vector<std::string> texts(std::string_view field) const;  // empty when absent
  const std::vector<Json>& list(std::string_view field) const;
  JsonFields object(std::string_view field) const;
  std::vector<JsonFields> objects(std::string_view field) const;  // of a list

  // unimplemented unless the field is absent or supported.
  void require_text(std::string_view field, std::initializer_list<std::string_view> supported) const;
  void require_flag(std::string_view field, bool supported) const;
  void require_absent(std::string_view field) const;

  [[noreturn]] void fail(std::string_view field, const std::string& problem) const;
  [[noreturn]] void unsupported(std::string_view field, std::string_view value, std::string_view supported) const;

 private:
  JsonFields(std::shared_ptr<const Json> object, const std::string& place, const char* separator, Status fault);
  [[noreturn]] void refuse(std::string_view field, const Json& value, const std::string& wanted) const;
  const Json& require(std::string_view field, Json::Kind kind, const char* wanted) const;

  std::string prefix_;
  Status fault_;
  std::shared_ptr<const Json> object_;
};

}  // namespace rustml::base
