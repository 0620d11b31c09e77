// rustml-infer ls: the models in the cache, one revision a line.
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hub.h"
#include "cli/terminal.h"

namespace rustml::cli {

Command make_ls(Options& options) {
  const auto json = std::make_shared<bool>(false);
  options.flag("--json", "print JSON, with every file", *json);
  return [json]() -> int {
    if (*json) {
      write_answer(hub_list(0) + "\n");
      return kExitAnswer;
    }
    std::istringstream lines(hub_list(RUSTML_HUB_LIST_TEXT));  // id, bytes, files; tabs between
    for (std::string id, bytes, files; std::getline(lines, id, '\t') && std::getline(lines, bytes, '\t') && std::getline(lines, files);) {
      char size[32];
      std::snprintf(size, sizeof size, "%10.1f MB  ", std::strtod(bytes.c_str(), nullptr) / 1e6);
      write_answer(size + id + "  (" + files + (files == "1" ? " file)\n" : " files)\n"));
    }
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
