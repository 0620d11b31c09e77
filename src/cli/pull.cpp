// rustml-infer pull: a model of the hub into the cache; its path on stdout.
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hub.h"
#include "cli/terminal.h"

namespace rustml::cli {

Command make_pull(Options& options) {
  struct Arguments {
    std::string id, log;
    double timeout_seconds = 0;
    bool update = false, quiet = false;
  };
  const auto a = std::make_shared<Arguments>();
  options.text("model", "ORG/NAME[@REVISION] or ORG/NAME/FILE.gguf[@REVISION]", "ID", [a](const std::string& id) { a->id = id; });
  options.flag("--update", "ask whether the revision has moved (otherwise what is cached is taken)", a->update);
  options.text("--timeout", "end after this many seconds; exit code 124", "SECONDS", [a](const std::string& text) {
    a->timeout_seconds = parse_real("--timeout", text, {0, 1e9, true, "leave --timeout out for no limit"});
  });
  options.text("--log", "what to log to stderr, as in RUST_LOG (default: $RUST_LOG, else warn)", "FILTER",
               [a](const std::string& filter) { a->log = filter; });
  options.flag("--quiet", "no progress on stderr", a->quiet);
  return [a]() -> int {
    if (a->id.empty()) throw Failure(RUSTML_INVALID_ARGUMENT, "pull: no model is named; give ORG/NAME or ORG/NAME/FILE.gguf");
    Interrupt interrupt;
    interrupt.arm();
    start_log(a->log);
    const uint64_t deadline = a->timeout_seconds > 0 ? rustml_deadline_after_ns(static_cast<int64_t>(a->timeout_seconds * 1e9)) : 0;
    write_answer(hub_resolve(a->id, a->update ? RUSTML_HUB_UPDATE : 0, {interrupt, deadline, a->quiet}) + "\n");
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
