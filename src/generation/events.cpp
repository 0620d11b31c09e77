#include "generation/events.h"

#include <algorithm>

namespace rustml::generation {

void note_stop(Result& result, const runtime::StopSignal& stop) {
  const uint64_t now = runtime::now_ns();
  result.stop_latency_ns = now - std::min(now, stop.triggered_ns());
  using enum Deadline;
  constexpr Deadline kPassed[] = {none, none, cancel, total, first_token, stall};  // as in runtime::StopCause
  static_assert(static_cast<size_t>(runtime::StopCause::stall) == 5);
  result.deadline = kPassed[static_cast<size_t>(stop.cause())];
  if (result.deadline == none || result.deadline == cancel) result.cancel_reason = stop.cancel_reason();
  result.finish = result.deadline == none ? Finish::cancelled : Finish::deadline;
  result.status = result.deadline == none ? base::Status::cancelled : base::Status::deadline_exceeded;
}

}  // namespace rustml::generation
