#include "runtime/profile.h"

#include <unistd.h>
#if defined(_WIN32)
#include "base/windows.h"
#endif

#include <algorithm>
#include <cstdio>

namespace rustml::runtime {

namespace {

constexpr const char* kTrace = "rustml::trace";

int thread_number() noexcept {
#if defined(_WIN32)
  return static_cast<int>(GetCurrentThreadId());
#else
  return static_cast<int>(gettid());
#endif
}

}  // namespace

ProfileLines ProfileLines::wanted() noexcept {
  using base::LogLevel;
  ProfileLines lines;
  lines.spans = base::log_enabled(LogLevel::trace, kTrace);
  if (lines.spans || base::log_enabled(LogLevel::trace, "rustml::matmul") || base::log_enabled(LogLevel::trace, "rustml::attn"))
    lines.level = ProfileLevel::matmuls;
  else if (base::log_enabled(LogLevel::debug, "rustml::model"))
    lines.level = ProfileLevel::layers;
  return lines;
}

void ProfileLines::add(base::LogLevel log_level, const char* component, const char* text) noexcept {
  try {
    lines_.push_back({log_level, component, text});
  } catch (...) {
  }
}

void ProfileLines::span(const char* name, uint64_t begin_ns, uint64_t end_ns, uint64_t bytes, uint64_t flops) noexcept {
  if (!spans) return;
  try {
    spans_.push_back({name, begin_ns, end_ns, bytes, flops});
  } catch (...) {
  }
}

void ProfileLines::enter(const char* name, uint64_t& ns) noexcept {
  leave();
  stage_ = name;
  stage_ns_ = &ns;
  stage_begin_ = now_ns();
}

void ProfileLines::leave() noexcept {
  if (!stage_) return;
  const uint64_t now = now_ns();
  *stage_ns_ += now - stage_begin_;
  span(stage_, stage_begin_, now);
  stage_ = nullptr;
}

void ProfileLines::flush() noexcept {
  for (Line& line : lines_) base::log(line.level, line.component, std::move(line.text));
  lines_.clear();
  // Viewers want a span before those inside it. A span is added after what it holds, so of equal ones the last comes first.
  std::reverse(spans_.begin(), spans_.end());
  std::stable_sort(spans_.begin(), spans_.end(),
                   [](const Span& a, const Span& b) { return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.end_ns > b.end_ns; });
  for (const Span& s : spans_) {
    const auto count = [](uint64_t n) { return static_cast<unsigned long long>(n); };
    char text[320];
    std::snprintf(text, sizeof text,
                  "{\"name\":\"%s\",\"cat\":\"rustml\",\"ph\":\"X\",\"ts\":%llu.%03llu,\"dur\":%llu.%03llu,\"pid\":%d,\"tid\":%d,"
                  "\"args\":{\"bytes\":%llu,\"flops\":%llu}}",
                  s.name.c_str(), count(s.begin_ns / 1000), count(s.begin_ns % 1000), count((s.end_ns - s.begin_ns) / 1000),
                  count((s.end_ns - s.begin_ns) % 1000), static_cast<int>(getpid()), thread_number(), count(s.bytes), count(s.flops));
    base::log(base::LogLevel::trace, kTrace, text);
  }
  spans_.clear();
}

}  // namespace rustml::runtime
