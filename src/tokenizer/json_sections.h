// Parts of a large JSON text, found without building a tree.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/deadline.h"

namespace rustml::tokenizer {

using JsonSections = std::map<std::string, std::string_view, std::less<>>;

// The texts of the wanted members of the object that `text` is; "a.b" is member b of member a. invalid_argument if the text
// is no JSON or a wanted member occurs twice; resource_exhausted from 8 Mi values on.
JsonSections json_sections(std::string_view text, const std::string& what, const std::vector<std::string>& wanted,
                           runtime::StopSignal& stop);

}  // namespace rustml::tokenizer
