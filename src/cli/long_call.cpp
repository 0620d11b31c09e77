#include "cli/long_call.h"

namespace rustml::cli {

LongCall::LongCall(const char* doing, const Interrupt& interrupt, uint64_t deadline_ns, bool quiet)
    : doing_(doing), shows_progress_(stderr_is_terminal() && !quiet) {
  rustml_callback_init(&callback_, sizeof callback_);
  callback_.on_event = on_event;
  callback_.user_data = this;
  rustml_call_options_init(&limits_, sizeof limits_);
  limits_.cancel = interrupt.cancel();
  limits_.deadline_ns = deadline_ns;
  limits_.progress = &callback_;
}

int32_t LongCall::on_event(void* user_data, const rustml_event* event) {
  const auto& self = *static_cast<const LongCall*>(user_data);
  if (event->kind == RUSTML_EVENT_LOG) show_log(*event);
  if (self.shows_progress_ && event->kind == RUSTML_EVENT_PROGRESS && event->total > 0) show_progress(self.doing_, *event);
  return 0;
}

}  // namespace rustml::cli
