// Scripts that complete a command line in bash, zsh and fish, made from what the commands declare.
#pragma once
#include <string>
#include <vector>

#include "cli/options.h"

namespace rustml::cli {

// A command as its own --help shows it.
struct CommandText {
  std::string name, summary;
  std::vector<Described> options;
};

std::vector<std::string> completion_shells();

// `commands`: the first one is meant where none is named. Throws UsageError for another shell.
std::string completion_script(const std::string& shell, const std::vector<CommandText>& commands);

}  // namespace rustml::cli
