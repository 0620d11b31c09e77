// rustml-infer verify: are a model's cached files still the bytes the hub announced?
#include <cstdio>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hub.h"
#include "cli/terminal.h"

namespace rustml::cli {

Command make_verify(Options& options) {
  struct Arguments {
    std::string id;
    bool quiet = false;
  };
  const auto a = std::make_shared<Arguments>();
  options.text("model", "ORG/NAME, one revision ORG/NAME@REVISION, or one file ORG/NAME/FILE.gguf", "ID",
               [a](const std::string& text) { a->id = text; });
  options.flag("--quiet", "no progress on stderr", a->quiet);
  return [a]() -> int {
    if (a->id.empty()) throw Failure(RUSTML_INVALID_ARGUMENT, "verify: no model is named; rustml-infer ls shows those in the cache");
    Interrupt interrupt;
    interrupt.arm();
    char text[48];
    std::snprintf(text, sizeof text, "good, %.1f MB read\n", static_cast<double>(hub_verify(a->id, {interrupt, 0, a->quiet})) / 1e6);
    write_answer(text);
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
