#include "schema.h"

#include <algorithm>
#include <set>

namespace rustml::cli_test {
namespace {

using base::Json;

bool has_type(const Json& value, const std::string& type) {
  switch (value.kind) {
    case Json::Kind::null: return type == "null";
    case Json::Kind::boolean: return type == "boolean";
    case Json::Kind::integer: return type == "integer" || type == "number";
    case Json::Kind::number: return type == "number";
    case Json::Kind::string: return type == "string";
    case Json::Kind::array: return type == "array";
    case Json::Kind::object: return type == "object";
  }
  return false;
}

bool same(const Json& a, const Json& b) {
  return a.kind == b.kind && a.string == b.string && a.integer == b.integer && a.boolean == b.boolean;
}

class Checker {
 public:
  explicit Checker(const Json& document) : document_(document) {}

  std::string check(const Json& schema, const Json& value, const std::string& at) const {
    static const std::set<std::string> kAnnotations = {"$schema", "$defs", "title", "description"};
    for (const auto& [keyword, rule] : schema.members) {
      std::string breach;
      if (keyword == "$ref") {
        breach = check(definition(rule.string), value, at);
      } else if (keyword == "oneOf") {
        breach = one_of(rule, value, at);
      } else if (keyword == "type") {
        const bool fits = rule.kind == Json::Kind::array ? std::any_of(rule.items.begin(), rule.items.end(),
                                                                       [&](const Json& type) { return has_type(value, type.string); })
                                                         : has_type(value, rule.string);
        if (!fits) breach = at + " has the wrong type";
      } else if (keyword == "const") {
        if (!same(rule, value)) breach = at + " is not " + rule.string;
      } else if (keyword == "enum") {
        if (std::none_of(rule.items.begin(), rule.items.end(), [&](const Json& item) { return same(item, value); })) {
          breach = at + " is not in the enum: " + value.string;
        }
      } else if (keyword == "minimum") {
        if (has_type(value, "number") && value.number < rule.number) breach = at + " is below the minimum";
      } else if (keyword == "required") {
        for (const Json& name : rule.items) {
          if (value.find(name.string) == nullptr) breach = at + " lacks " + name.string;
        }
      } else if (keyword == "properties") {
        for (const auto& [name, part] : rule.members) {
          const Json* member = value.find(name);
          if (member != nullptr && breach.empty()) breach = check(part, *member, at + "." + name);
        }
      } else if (keyword == "items") {
        for (const Json& item : value.items) {
          if (breach.empty()) breach = check(rule, item, at + "[]");
        }
      } else if (kAnnotations.count(keyword) == 0) {
        breach = "the checker does not know the keyword " + keyword;
      }
      if (!breach.empty()) return breach;
    }
    return {};
  }

 private:
  const Json& definition(const std::string& reference) const {
    static const Json kNone;
    const std::string prefix = "#/$defs/";
    const Json* definitions = document_.find("$defs");
    const Json* found = reference.rfind(prefix, 0) == 0 && definitions ? definitions->find(reference.substr(prefix.size())) : nullptr;
    return found ? *found : kNone;
  }

  std::string one_of(const Json& rules, const Json& value, const std::string& at) const {
    size_t fits = 0;
    std::string breaches;
    for (const Json& rule : rules.items) {
      const std::string breach = check(rule, value, at);
      if (breach.empty()) ++fits;
      breaches += "; " + breach;
    }
    return fits == 1 ? "" : at + " fits " + std::to_string(fits) + " of the alternatives" + breaches;
  }

  const Json& document_;
};

}  // namespace

std::string schema_breach(const Json& schema, const Json& value) { return Checker(schema).check(schema, value, "$"); }

}  // namespace rustml::cli_test
