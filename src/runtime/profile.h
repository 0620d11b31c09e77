// Where the time of a pass goes, as the leader sees it. Off, each mark costs one predictable branch.
//
// The same marks give lines for people and spans for a trace viewer. A span is logged as one record of component
// rustml::trace whose text is a complete event of the Chrome trace format: {"name":"Q_proj","ph":"X","ts":1.5,"dur":2.25,
// "pid":1,"tid":1,"args":{"bytes":8,"flops":16}}, ts and dur in microseconds on the clock of now_ns. Spans of one thread nest.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"
#include "runtime/deadline.h"

namespace rustml::runtime {

enum class ProfileLevel : uint8_t { off, layers, matmuls };

// Lines and spans of a pass, by its leader; logged when the pass is over and no turn is held.
class ProfileLines {
 public:
  ProfileLevel level = ProfileLevel::off;
  bool spans = false;  // only with level matmuls
  // What the filter of the log asks for.
  static ProfileLines wanted() noexcept;

  // Out of memory, both are lost: profiling is the first thing to give up.
  void add(base::LogLevel log_level, const char* component, const char* text) noexcept;
  // What it holds may have been added before. bytes and flops 0: not known.
  void span(const char* name, uint64_t begin_ns, uint64_t end_ns, uint64_t bytes = 0, uint64_t flops = 0) noexcept;

  // Stages of a pass follow each other without a gap: ends the one before, adding its time to its `ns`, and begins `name`.
  void enter(const char* name, uint64_t& ns) noexcept;
  void leave() noexcept;

  void flush() noexcept;

 private:
  struct Line {
    base::LogLevel level;
    const char* component;
    std::string text;
  };
  struct Span {
    std::string name;
    uint64_t begin_ns, end_ns, bytes, flops;
  };
  std::vector<Line> lines_;
  std::vector<Span> spans_;
  const char* stage_ = nullptr;
  uint64_t* stage_ns_ = nullptr;
  uint64_t stage_begin_ = 0;
};

// Accumulates the time between marks: `Lap lap(on); ...; lap.add(stage_ns);`
class Lap {
 public:
  explicit Lap(bool on) noexcept : on_(on), since_(on ? now_ns() : 0) {}
  void add(uint64_t& stage_ns) noexcept {
    if (!on_) return;
    const uint64_t now = now_ns();
    stage_ns += now - since_;
    since_ = now;
  }
  uint64_t since() const noexcept { return since_; }  // the last mark

 private:
  const bool on_;
  uint64_t since_;
};

}  // namespace rustml::runtime
