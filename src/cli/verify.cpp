// rustml-infer verify: are a model's cached files still the bytes the hub announced?
#include <cstdio>

#include "base/number_text.h"
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
    const auto n_bytes = static_cast<double>(hub_verify(a->id, {interrupt, 0, a->quiet}));
    write_answer("good, " + base::fixed(n_bytes / 1e6, 1) + " MB read\n");
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
