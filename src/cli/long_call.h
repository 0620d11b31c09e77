// A call that may take long: Ctrl-C and a deadline end it, and its progress is shown on a terminal.
#pragma once
#include "cli/interrupt.h"
#include "cli/terminal.h"

namespace rustml::cli {

class LongCall {
 public:
  // `doing` begins the line of progress: "loading". `deadline_ns` 0: none. `quiet`: no progress.
  LongCall(const char* doing, const Interrupt& interrupt, uint64_t deadline_ns, bool quiet)
      : listener_([doing, shown = stderr_is_terminal() && !quiet](const rustml_event& event) {
          if (event.kind == RUSTML_EVENT_LOG) show_log(event);
          if (shown && event.kind == RUSTML_EVENT_PROGRESS && event.total > 0) show_progress(doing, event);
        }),
        limits_(initial(rustml_call_options_init)) {
    limits_.cancel = interrupt.cancel();
    limits_.deadline_ns = deadline_ns;
    limits_.progress = listener_.callback();
  }
  LongCall(const LongCall&) = delete;
  LongCall& operator=(const LongCall&) = delete;

  // function(call options, error); throws Failure.
  template <class Function>
  void run(Function&& function) {
    call([&](rustml_error** error) { return function(&limits_, error); });
    clear_progress();
  }

 private:
  Listener listener_;
  rustml_call_options limits_;
};

}  // namespace rustml::cli
