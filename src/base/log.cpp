// One listener (filter and sink) behind a mutex that is never held while a sink runs: a record's thread copies the shared
// pointer, so a replaced sink dies with its last running call. Nothing here is destroyed at exit: the state is leaked on
// purpose, because records may come until the very end of the process.
#include "base/log.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/refuse.h"
#include "base/utf8.h"

namespace rustml::base {
namespace {

constexpr size_t kMaxQueued = 1024;  // records of worker threads; what comes above is counted
constexpr const char* kLevelNames[] = {"off", "error", "warn", "info", "debug", "trace"};

struct Directive {
  std::string target;  // empty: every component
  int level;           // 0: off
};

struct Listener {
  std::vector<Directive> directives;  // longest target first
  LogSink sink;

  int level_of(std::string_view component) const noexcept {
    for (const Directive& d : directives)
      if (component.starts_with(d.target)) return d.level;
    return 0;
  }
};

struct State {
  std::mutex mutex;
  std::shared_ptr<const Listener> listener;
  std::vector<LogRecord> queue;
  uint64_t n_dropped = 0;
};

constinit std::atomic<int> max_level{0};  // of any directive; 0: nothing listens
constinit std::atomic<bool> has_queued{false};
// initial-exec: a thread's first access must not allocate, and glibc aborts when it cannot.
__attribute__((tls_model("initial-exec"))) constinit thread_local int api_depth = 0;
__attribute__((tls_model("initial-exec"))) constinit thread_local bool in_sink = false;

State& state() {
  static State* const made = [] {
    auto* s = new State;
    // A child forked while another thread held the mutex would wait for it for ever.
    pthread_atfork([] { state().mutex.lock(); }, [] { state().mutex.unlock(); }, [] { state().mutex.unlock(); });
    return s;
  }();
  return *made;
}

std::shared_ptr<const Listener> current_listener() {
  const std::lock_guard lock(state().mutex);
  return state().listener;
}

std::optional<int> parse_level(std::string_view word) {
  const std::string lower = lower_case(word);
  for (int i = 0; i < 6; ++i)
    if (lower == kLevelNames[i]) return i;
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Directive parse_directive(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view target = trim(text.substr(0, equals));
  const auto is_target_char = [](char c) { return is_alphanumeric(c) || c == '_' || c == ':' || c == '-' || c == '.'; };
  if (!target.empty() && std::all_of(target.begin(), target.end(), is_target_char)) {
    const auto level = equals == text.npos ? parse_level(target) : parse_level(trim(text.substr(equals + 1)));
    if (level) return {equals == text.npos ? std::string() : std::string(target), *level};
    if (equals == text.npos) return {std::string(target), static_cast<int>(LogLevel::trace)};
  }
  fail(Status::invalid_argument,
       "log filter: " + quoted(text) +
           " is no directive; write level, target or target=level with level one of off, error, warn, info, debug, trace",
       refusal_detail("filter", Given::text(text), "level, target or target=level, level one of off, error, warn, info, debug, trace"));
}

std::vector<Directive> parse_filter(std::string_view filter) {
  std::vector<Directive> directives;
  for (size_t at = 0; at <= filter.size();) {
    const size_t comma = std::min(filter.find(',', at), filter.size());
    if (const auto part = trim(filter.substr(at, comma - at)); !part.empty()) directives.insert(directives.begin(), parse_directive(part));
    at = comma + 1;
  }
  if (directives.empty()) directives.push_back({"", static_cast<int>(LogLevel::info)});
  // Stable, and the later of two equal targets comes first: it wins.
  std::stable_sort(directives.begin(), directives.end(),
                   [](const Directive& a, const Directive& b) { return a.target.size() > b.target.size(); });
  return directives;
}

std::string single_line(std::string_view text) {
  static constexpr std::string_view kControls = "\n\r\t", kLetters = "nrt";
  std::string out;
  while (!text.empty()) {
    const size_t control = kControls.find(text[0]);
    if (control != kControls.npos) out.append({'\\', kLetters[control]});
    text.remove_prefix(control != kControls.npos ? 1 : append_printable(out, text));
  }
  return out;
}

LogRecord make_record(LogLevel level, const char* component, std::string_view text) {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  const uint64_t ns = static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
  return {level, component, single_line(text), ns};
}

// A sink's exception ends here: logging must not change what the caller does.
void deliver(const Listener& listener, const LogRecord& record) noexcept {
  in_sink = true;
  try {
    listener.sink(record);
  } catch (...) {
  }
  in_sink = false;
}

void enqueue(LogRecord record) {
  const std::lock_guard lock(state().mutex);
  if (state().queue.size() < kMaxQueued)
    state().queue.push_back(std::move(record));
  else
    ++state().n_dropped;
  has_queued.store(true, std::memory_order_release);
}

}  // namespace

bool log_enabled(LogLevel level, const char* component) noexcept {
  if (static_cast<int>(level) > max_level.load(std::memory_order_relaxed)) return false;
  const auto listener = current_listener();
  return listener && static_cast<int>(level) <= listener->level_of(component);
}

void log(LogLevel level, const char* component, std::string text) noexcept {
  if (in_sink || !log_enabled(level, component)) return;
  try {
    LogRecord record = make_record(level, component, text);
    if (api_depth == 0) return enqueue(std::move(record));
    log_deliver();  // older records of worker threads come first
    if (const auto listener = current_listener()) deliver(*listener, record);
  } catch (...) {  // out of memory: the record is lost
  }
}

void log_set(std::string_view filter, LogSink sink) {
  std::shared_ptr<Listener> next;
  int highest = 0;
  auto directives = parse_filter(filter);
  if (sink) {
    for (const Directive& d : directives) highest = std::max(highest, d.level);
    next = std::make_shared<Listener>(Listener{std::move(directives), std::move(sink)});
  }
  std::shared_ptr<const Listener> old;  // destroyed after the mutex is free
  std::vector<LogRecord> unheard;
  const std::lock_guard lock(state().mutex);
  old = std::exchange(state().listener, std::move(next));
  unheard.swap(state().queue);  // meant for the old listener
  state().n_dropped = 0;
  max_level.store(highest, std::memory_order_relaxed);
}

void log_deliver() noexcept {
  if (in_sink || !has_queued.load(std::memory_order_acquire)) return;
  try {
    std::vector<LogRecord> records;
    std::shared_ptr<const Listener> listener;
    uint64_t n_dropped = 0;
    {
      const std::lock_guard lock(state().mutex);
      records.swap(state().queue);
      n_dropped = std::exchange(state().n_dropped, 0);
      has_queued.store(false, std::memory_order_relaxed);
      listener = state().listener;
    }
    if (!listener) return;
    for (const LogRecord& record : records) deliver(*listener, record);
    if (n_dropped > 0)
      deliver(*listener, make_record(LogLevel::warn, "rustml::log",
                                     std::to_string(n_dropped) + " records of worker threads dropped: more than " +
                                         std::to_string(kMaxQueued) + " were queued"));
  } catch (...) {  // out of memory: the records are lost
  }
}

ApiScope::ApiScope() noexcept { ++api_depth; }
ApiScope::~ApiScope() {
  if (api_depth == 1) log_deliver();
  --api_depth;
}

}  // namespace rustml::base
