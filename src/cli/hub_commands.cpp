// rustml-infer pull, ls, rm and verify: models of the hub in the cache.
#include <algorithm>
#include <charconv>

#include "base/number_text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hub.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Arguments {
  std::string id, log;
  double timeout_seconds = 0;
  bool update = false, quiet = false;
};

void add_id(Options& options, const std::shared_ptr<Arguments>& a, const char* help) {
  options.text("model", help, "ID", [a](const std::string& id) { a->id = id; });
}

constexpr const char* kCachedId = "ORG/NAME, one revision ORG/NAME@REVISION, or one file ORG/NAME/FILE.gguf";

void require_id(const Arguments& a, const char* command, const char* advice) {
  if (a.id.empty()) throw Failure(RUSTML_INVALID_ARGUMENT, std::string(command) + ": no model is named; " + advice);
}

std::string megabytes(uint64_t bytes, size_t width = 0) { return base::fixed(static_cast<double>(bytes) / 1e6, 1, width) + " MB"; }

// A line of rustml_hub_list as people read it: id, bytes, files, with tabs between.
std::string in_words(const std::string& line) {
  const size_t first = std::min(line.find('\t'), line.size()), second = std::min(line.find('\t', first + 1), line.size());
  uint64_t n_bytes = 0;
  std::from_chars(line.data() + std::min(first + 1, line.size()), line.data() + second, n_bytes);
  const std::string n_files = line.substr(std::min(second + 1, line.size()));
  return megabytes(n_bytes, 10) + "  " + line.substr(0, first) + "  (" + n_files + (n_files == "1" ? " file)\n" : " files)\n");
}

}  // namespace

Command make_pull(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_id(options, a, "ORG/NAME[@REVISION] or ORG/NAME/FILE.gguf[@REVISION]");
  options.flag("--update", "ask whether the revision has moved (otherwise what is cached is taken)", a->update);
  add_timeout_option(options, "end after this many seconds; exit code 124", a->timeout_seconds);
  add_log_option(options, a->log);
  options.flag("--quiet", "no progress on stderr", a->quiet);
  return [a]() -> int {
    require_id(*a, "pull", "give ORG/NAME or ORG/NAME/FILE.gguf");
    Interrupt interrupt;
    interrupt.arm();
    start_log(a->log);
    LongCall call("model files", interrupt, deadline_after(a->timeout_seconds), a->quiet);
    write_answer(hub_resolve(a->id, a->update ? RUSTML_HUB_UPDATE : 0, call) + "\n");
    return kExitAnswer;
  };
}

Command make_ls(Options& options) {
  const auto json = std::make_shared<bool>(false);
  options.flag("--json", "print JSON, with every file", *json);
  return [json]() -> int {
    const std::string list = hub_list(*json ? 0 : RUSTML_HUB_LIST_TEXT);
    if (*json) write_answer(list + "\n");
    for (size_t at = 0, end; !*json && (end = list.find('\n', at)) != list.npos; at = end + 1)
      write_answer(in_words(list.substr(at, end - at)));
    return kExitAnswer;
  };
}

Command make_rm(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_id(options, a, kCachedId);
  return [a]() -> int {
    require_id(*a, "rm", "rustml-infer ls shows those in the cache");
    write_answer("removed, " + megabytes(hub_remove(a->id)) + " freed\n");
    return kExitAnswer;
  };
}

Command make_verify(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_id(options, a, kCachedId);
  options.flag("--quiet", "no progress on stderr", a->quiet);
  return [a]() -> int {
    require_id(*a, "verify", "rustml-infer ls shows those in the cache");
    Interrupt interrupt;
    interrupt.arm();
    LongCall call("model files", interrupt, 0, a->quiet);
    write_answer("good, " + megabytes(hub_verify(a->id, call)) + " read\n");
    return kExitAnswer;
  };
}

}  // namespace rustml::cli
