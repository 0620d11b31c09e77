// The manual page rustml-infer(1), made from what the commands declare.
#pragma once
#include <string>
#include <vector>

#include "cli/completion.h"

namespace rustml::cli {

// roff with the macros of man(7). `commands`: the first one is meant where none is named.
std::string manual_page(const std::string& version, const std::string& exit_codes, const std::vector<CommandText>& commands);

}  // namespace rustml::cli
