// Where the time of a pass goes, as the leader sees it. Off, each mark costs one predictable branch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "runtime/deadline.h"

namespace rustml::runtime {

enum class ProfileLevel : uint8_t { off, layers, matmuls };

// Lines of a pass, by its leader; logged when the pass is over and no turn is held.
class ProfileLines {
 public:
  ProfileLevel level = ProfileLevel::off;
  void add(base::LogLevel log_level, const char* component, const char* text) noexcept {
    try {
      lines_.push_back({log_level, component, text});
    } catch (...) {  // out of memory: profiling is the first thing to give up
    }
  }
  void flush() noexcept {
    for (Line& line : lines_) base::log(line.level, line.component, std::move(line.text));
    lines_.clear();
  }

 private:
  struct Line {
    base::LogLevel level;
    const char* component;
    std::string text;
  };
  std::vector<Line> lines_;
};

// Accumulates the time between marks: `Lap lap(level); ...; lap.add(stage);`
class Lap {
 public:
  explicit Lap(bool on) noexcept : on_(on), since_(on ? now_ns() : 0) {}
  void add(uint64_t& stage_ns) noexcept {
    if (!on_) return;
    const uint64_t now = now_ns();
    stage_ns += now - since_;
    since_ = now;
  }

 private:
  const bool on_;
  uint64_t since_;
};

}  // namespace rustml::runtime
