// Hugging Face documents: the sections of a large one, and the steps of a pipeline that a section describes.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fields.h"
#include "runtime/deadline.h"

namespace rustml::tokenizer {

using base::JsonFields;

// Parts of a large JSON text, found without building a tree.
using JsonSections = std::map<std::string, std::string_view, std::less<>>;

// The texts of the wanted members of the object that `text` is; "a.b" is member b of member a. invalid_argument if the text
// is no JSON or a wanted member occurs twice; resource_exhausted from 8 Mi values on.
JsonSections json_sections(std::string_view text, const std::string& what, const std::vector<std::string>& wanted,
                           runtime::StopSignal& stop);

// A section's value; null where it is absent.
base::Json section(const JsonSections& sections, std::string_view name, const std::string& document = "tokenizer.json");

// A field that is one character.
std::string one_character(const JsonFields& fields, const char* key);

// Bytes that the steps of a pipeline may make of a text: no honest file comes near.
size_t growth_limit(size_t bytes) noexcept;
// resource_exhausted; `pipeline` as in "the normalizer".
void require_growth(size_t bytes, size_t limit, const char* pipeline);

// A step, or every step of a Sequence (however deep), whose list is called `list`. resource_exhausted for more than 64.
std::vector<JsonFields> steps_of(const JsonFields& pipeline, const char* list);

}  // namespace rustml::tokenizer
