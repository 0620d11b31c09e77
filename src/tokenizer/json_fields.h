// Hugging Face documents: the members of one object by name and type, the sections of a large one. Nothing of it is trusted: what is
// missing or of another type is data_loss, what we do not know is unimplemented; both name the place.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "runtime/deadline.h"

namespace rustml::tokenizer {

// One object.
class JsonFields {
 public:
  // where: "tokenizer.json: decoder"
  JsonFields(const base::Json& object, std::string where);

  const base::Json* find(std::string_view key) const noexcept;  // absent and null are the same
  const base::Json& require(std::string_view key, base::Json::Kind kind, const char* expected) const;
  std::string string(std::string_view key) const { return require(key, base::Json::Kind::string, "a string").string; }
  bool boolean(std::string_view key, bool fallback) const;
  int64_t integer(std::string_view key) const { return require(key, base::Json::Kind::integer, "an integer").integer; }
  const std::vector<base::Json>& array(std::string_view key) const { return require(key, base::Json::Kind::array, "an array").items; }
  std::string type() const { return string("type"); }
  const std::string& where() const noexcept { return where_; }

  [[noreturn]] void bad(std::string_view key, const std::string& problem) const;                             // data_loss
  [[noreturn]] void unsupported(std::string_view key, std::string_view value, const char* supported) const;  // unimplemented

 private:
  const base::Json& object_;
  std::string where_;
};

// Parts of a large JSON text, found without building a tree.
using JsonSections = std::map<std::string, std::string_view, std::less<>>;

// The texts of the wanted members of the object that `text` is; "a.b" is member b of member a. invalid_argument if the text
// is no JSON or a wanted member occurs twice; resource_exhausted from 8 Mi values on.
JsonSections json_sections(std::string_view text, const std::string& what, const std::vector<std::string>& wanted,
                           runtime::StopSignal& stop);

// Calls visit(fields) for a step, or for each step of a Sequence (however deep), whose list is called `list`.
template <class Visit>
void for_each_step(const base::Json& step, const std::string& where, const char* list, const Visit& visit) {
  const JsonFields fields(step, where);
  if (fields.type() != "Sequence") {
    visit(fields);
    return;
  }
  size_t i = 0;
  for (const base::Json& item : fields.array(list)) for_each_step(item, where + "." + list + "[" + std::to_string(i++) + "]", list, visit);
}

}  // namespace rustml::tokenizer
