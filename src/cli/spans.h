// The library's profile spans (log records of component rustml::trace), collected and summed up by stage.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.h"

namespace rustml::cli {

struct Span {
  std::string name;
  double begin_us = 0, us = 0;
  uint64_t bytes = 0, flops = 0;
};

// False: not a span.
bool parse_span(std::string_view record, Span& span);

// From construction on, the log's spans come here and other records go on to stderr, if `filter` lets them; one at a time.
class SpanCollector {
 public:
  SpanCollector();   // throws Failure
  ~SpanCollector();  // the log is as `start_log` leaves it
  SpanCollector(const SpanCollector&) = delete;
  SpanCollector& operator=(const SpanCollector&) = delete;
  std::vector<Span> take();  // what came since the last time

 private:
  std::vector<Span> spans_;
  Listener listener_;
};

struct Stage {
  std::string name;
  int depth = 0;                  // 1: a matrix product inside the stage before it
  std::vector<double> us;         // of every call
  uint64_t bytes = 0, flops = 0;  // of all calls
  double total_us() const;
};

struct StageTable {
  std::vector<Stage> stages;  // in the order of a pass
  std::vector<double> layer_us;
  double total_us = 0;  // of all passes
  uint64_t passes = 0, layers = 0, bytes = 0;
  const Stage* find(std::string_view name) const;
};

// A stage holds all that happens until the next one begins: norms, quantization and waiting for the other threads too. The
// products inside it are those of the leader alone.
StageTable stages_of(const std::vector<Span>& spans);

}  // namespace rustml::cli
