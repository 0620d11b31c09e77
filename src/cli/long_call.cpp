#include "cli/long_call.h"

namespace rustml::cli {

LongCall::LongCall(const char* doing, const Interrupt& interrupt, uint64_t deadline_ns, bool quiet)
    : listener_([doing, shown = stderr_is_terminal() && !quiet](const rustml_event& event) {
        if (event.kind == RUSTML_EVENT_LOG) show_log(event);
        if (shown && event.kind == RUSTML_EVENT_PROGRESS && event.total > 0) show_progress(doing, event);
      }),
      limits_(initial(rustml_call_options_init)) {
  limits_.cancel = interrupt.cancel();
  limits_.deadline_ns = deadline_ns;
  limits_.progress = listener_.callback();
}

}  // namespace rustml::cli
