#include "generation/events.h"

#include <algorithm>

namespace rustml::generation {

namespace {

Deadline passed(runtime::StopCause cause) {
  switch (cause) {
    case runtime::StopCause::total_deadline:
      return Deadline::total;
    case runtime::StopCause::first_token_deadline:
      return Deadline::first_token;
    case runtime::StopCause::stall:
      return Deadline::stall;
    case runtime::StopCause::cancel_deadline:
      return Deadline::cancel;
    default:
      return Deadline::none;
  }
}

}  // namespace

void note_stop(Result& result, const runtime::StopSignal& stop) {
  const uint64_t now = runtime::now_ns();
  result.stop_latency_ns = now - std::min(now, stop.triggered_ns());
  result.deadline = passed(stop.cause());
  if (result.deadline == Deadline::none || result.deadline == Deadline::cancel) result.cancel_reason = stop.cancel_reason();
  result.finish = result.deadline == Deadline::none ? Finish::cancelled : Finish::deadline;
  result.status = result.deadline == Deadline::none ? base::Status::cancelled : base::Status::deadline_exceeded;
}

}  // namespace rustml::generation
