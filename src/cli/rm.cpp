// rustml-infer rm: a model out of the cache.
#include <cstdio>

#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hub.h"
#include "cli/terminal.h"

namespace rustml::cli {

Command make_rm(Options& options) {
  const auto id = std::make_shared<std::string>();
  options.text("model", "ORG/NAME, one revision ORG/NAME@REVISION, or one file ORG/NAME/FILE.gguf", "ID",
               [id](const std::string& text) { *id = text; });
  return [id]() -> int {
    if (id->empty()) throw Failure(RUSTML_INVALID_ARGUMENT, "rm: no model is named; rustml-infer ls shows those in the cache");
    write_answer("removed, " + base::fixed(static_cast<double>(hub_remove(*id)) / 1e6, 1) + " MB freed\n");
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
