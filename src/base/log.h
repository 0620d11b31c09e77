// The process's log sink and filter. Silent until a sink is set. A record is one line.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace rustml::base {

enum class LogLevel : int32_t { error = 1, warn, info, debug, trace };

// Cheap (one relaxed load) when nothing listens at that level. component: "rustml", "rustml::attn", ... string literals.
bool log_enabled(LogLevel level, const char* component) noexcept;
// Never throws. On a thread that is inside an API call the record is delivered at once (callers hold no lock); on any
// other thread it is queued and delivered by the next log_deliver on an API thread.
void log(LogLevel level, const char* component, std::string text) noexcept;

struct LogRecord {
  LogLevel level;
  const char* component;
  std::string text;  // one line of valid UTF-8: control characters and invalid bytes come as \n, \xNN
  uint64_t time_ns;  // CLOCK_MONOTONIC
};
using LogSink = std::function<void(const LogRecord&)>;

// Replaces sink and filter; an empty sink is silence. The old sink is destroyed when its last running call has returned.
// filter: RUST_LOG syntax, directives "level", "target" and "target=level" with commas between, level one of off, error,
// warn, info, debug, trace; the longest target that a component begins with decides; empty means "info".
// Throws invalid_argument naming the directive. What a sink logs itself, on its thread, is dropped.
void log_set(std::string_view filter, LogSink sink);

// Delivers what other threads have queued. Called by ApiScope.
void log_deliver() noexcept;

// Marks its thread as inside an API call (or a program's main thread) while it lives; delivers queued records at the end.
class ApiScope {
 public:
  ApiScope() noexcept;
  ~ApiScope();
  ApiScope(const ApiScope&) = delete;
  ApiScope& operator=(const ApiScope&) = delete;
};

}  // namespace rustml::base
