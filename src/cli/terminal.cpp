#include "cli/terminal.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/number_text.h"
#include "cli/client.h"
#include "cli/system.h"
#include "cli/trace.h"

namespace rustml::cli {
namespace {

#ifdef _WIN32
constexpr uint16_t kPlain = 7;  // spdlog's colours are those of the console there: light grey
#else
constexpr const char* kPlain = "";
#endif

bool progress_shown = false;
int32_t shown_level = RUSTML_LOG_WARN;  // of component rustml
std::unique_ptr<TraceFile> trace_file;

// To stderr, warnings and errors in colour where that is a terminal.
spdlog::logger make_log() {
  const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
  for (const auto level : {spdlog::level::trace, spdlog::level::debug, spdlog::level::info}) sink->set_color(level, kPlain);
  spdlog::logger log("rustml-infer", sink);
  log.set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%^%v%$", spdlog::pattern_time_type::local, "\n"));  // the same end everywhere
  log.set_level(spdlog::level::trace);                                                                 // the library filters
  return log;
}

// Load and profile lines stand as they are; a warning says that it is one.
int32_t print_record(void*, const rustml_event* event) {
  static spdlog::logger log = make_log();
  const std::string_view text(event->text, event->text_len);
  if (trace_file && event->component == kTraceComponent) {
    trace_file->add(text);
    return 0;
  }
  clear_progress();
  if (event->level == RUSTML_LOG_ERROR)
    log.error("error: {}", text);
  else if (event->level == RUSTML_LOG_WARN)
    log.warn("warning: {}", text);
  else
    log.info("{}", text);
  return 0;
}

// The level at which `filter` shows component rustml: of its directives the one for rustml, else the one for all.
int32_t level_of(const std::string& filter) {
  int32_t level = 0;
  bool named = false;
  for (size_t at = 0; at <= filter.size();) {
    const size_t comma = std::min(filter.find(',', at), filter.size());
    std::string_view word = std::string_view(filter).substr(at, comma - at);
    at = comma + 1;
    const bool names = word.rfind("rustml=", 0) == 0;
    if (names) word.remove_prefix(7);
    static constexpr const char* kLevels[] = {"off", "error", "warn", "info", "debug", "trace"};
    for (int32_t i = 0; i < 6; ++i)
      if (word == kLevels[i] && (names || !named)) level = i;
    named = named || names;
  }
  return level;
}

// ", 12.3 tok/s"; nothing where there is nothing to divide.
std::string rate(uint64_t count, double seconds) {
  return count > 0 && seconds > 0 ? ", " + base::fixed(static_cast<double>(count) / seconds, 1) + " tok/s" : "";
}

}  // namespace

void write_answer(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EPIPE) {
      throw OutputClosed();
    } else if (errno != EINTR) {
      throw Failure(RUSTML_RESOURCE_EXHAUSTED, std::string("standard output could not be written: ") + std::strerror(errno));
    }
  }
}

void report(std::string_view text) {
  clear_progress();
  std::fprintf(stderr, "rustml-infer: %.*s\n", static_cast<int>(text.size()), text.data());
}

bool stdin_is_terminal() noexcept { return is_terminal(0); }
bool stdout_is_terminal() noexcept { return is_terminal(1); }
bool stderr_is_terminal() noexcept { return is_terminal(2); }

size_t wrap_columns() {
  if (!stdout_is_terminal()) return 0;
  const char* variable = std::getenv("COLUMNS");
  size_t columns = variable ? std::strtoul(variable, nullptr, 10) : 0;
  if (columns == 0) columns = terminal_columns();
  constexpr size_t kNarrowest = 16;  // below that words are not worth keeping whole
  return columns < kNarrowest ? 0 : columns - 1;
}

void show_progress(std::string_view text) {
  std::fprintf(stderr, "\r%.*s\033[K", static_cast<int>(text.size()), text.data());
  progress_shown = true;
}

void show_progress(const char* doing, const rustml_event& event) {
  const auto done = static_cast<double>(event.done), total = static_cast<double>(event.total);
  show_progress(std::string(doing) + " " + base::fixed(100 * done / total, 0, 3) + " % of " + base::fixed(total / 1e6, 0) + " MB");
}

void clear_progress() {
  if (!progress_shown) return;
  std::fputs("\r\033[K", stderr);
  progress_shown = false;
}

void start_log(const std::string& filter, const std::string& trace) {
  if (!trace.empty()) trace_file = std::make_unique<TraceFile>(trace);
  const std::string spans = "," + std::string(kTraceComponent) + (trace.empty() ? "=off" : "=trace");
  rustml_callback callback = initial(rustml_callback_init);
  callback.on_event = print_record;
  rustml_log_options options = initial(rustml_log_options_init);
  options.callback = &callback;
  const char* variable = std::getenv("RUST_LOG");
  const bool from_variable = filter.empty() && variable != nullptr && *variable != '\0';
  const std::string chosen = !filter.empty() ? filter : from_variable ? variable : "warn";
  const std::string with_spans = chosen + spans, only_warnings = "warn" + spans;
  options.filter = text_of(with_spans);
  shown_level = level_of(chosen);
  try {
    call([&](rustml_error** error) { return rustml_log_set(&options, error); });
  } catch (const Failure& failure) {
    if (!from_variable) throw Failure(failure.status(), std::string("--log: ") + failure.what());
    report(std::string("warning: RUST_LOG is ignored: ") + failure.what());  // it may be meant for another program
    options.filter = text_of(only_warnings);
    call([&](rustml_error** error) { return rustml_log_set(&options, error); });
  }
}

void end_trace() {
  if (trace_file) trace_file->close();
}

void show_log(const rustml_event& event) {
  if (event.level <= shown_level) print_record(nullptr, &event);
}

void print_statistics(const rustml_result& result, double load_seconds) {
  const auto seconds = [](double value) { return base::fixed(value, 3); };
  const uint64_t evaluated = result.prompt_tokens - result.prefill_tokens_skipped;
  // The first token comes out of the prefill; decoding makes the others.
  const uint64_t decoded = result.generated_tokens > 0 ? result.generated_tokens - 1 : 0;
  clear_progress();
  std::fprintf(stderr, "\nload         %s s\n", seconds(load_seconds).c_str());
  std::fprintf(stderr, "prompt       %llu tokens, %llu evaluated in %s s%s\n", static_cast<unsigned long long>(result.prompt_tokens),
               static_cast<unsigned long long>(evaluated), seconds(result.prefill_seconds).c_str(),
               rate(evaluated, result.prefill_seconds).c_str());
  std::fprintf(stderr, "generation   %llu tokens in %s s%s, ended by %s\n", static_cast<unsigned long long>(result.generated_tokens),
               seconds(result.decode_seconds).c_str(), rate(decoded, result.decode_seconds).c_str(), finish_name(result.finish));
  if (result.drafted_tokens > 0)
    std::fprintf(stderr, "lookup       %llu of %llu guessed tokens accepted\n", static_cast<unsigned long long>(result.accepted_tokens),
                 static_cast<unsigned long long>(result.drafted_tokens));
  std::fprintf(stderr, "first token  %s s\n", seconds(result.first_token_seconds).c_str());
  std::fprintf(stderr, "peak memory  %s MB\n", base::fixed(static_cast<double>(peak_resident_bytes()) / 1e6, 1).c_str());
}

}  // namespace rustml::cli
