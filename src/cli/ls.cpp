// rustml-infer ls: the models in the cache, one revision a line.
#include <algorithm>
#include <charconv>

#include "base/number_text.h"
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
    const std::string list = hub_list(RUSTML_HUB_LIST_TEXT);  // lines of id, bytes, files; tabs between
    for (size_t at = 0, end; (end = list.find('\n', at)) != list.npos; at = end + 1) {
      const std::string line = list.substr(at, end - at);
      const size_t first = std::min(line.find('\t'), line.size()), second = std::min(line.find('\t', first + 1), line.size());
      uint64_t n_bytes = 0;
      std::from_chars(line.data() + std::min(first + 1, line.size()), line.data() + second, n_bytes);
      const std::string n_files = line.substr(std::min(second + 1, line.size()));
      write_answer(base::fixed(static_cast<double>(n_bytes) / 1e6, 1, 10) + " MB  " + line.substr(0, first) + "  (" + n_files +
                   (n_files == "1" ? " file)\n" : " files)\n"));
    }
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
