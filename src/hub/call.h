// Cancel, deadline and events of one call, known through rustml.h alone.
#pragma once
#include <rustml_hub.h>

#include <string>

namespace rustml::hub {

class Call {
 public:
  // NULL: no limits, no events. Throws what the core says of a bad struct or handle, and if the call must not even begin.
  explicit Call(const rustml_call_options* given);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void check() const;                                  // throws cancelled or deadline_exceeded
  void wait(uint64_t milliseconds) const;              // sleeps, checking
  void progress(uint64_t done, uint64_t total) const;  // throws callback_stop; a few events a second get through
  void log(const std::string& text) const;             // level info, component "rustml"

 private:
  void ask_core() const;
  void deliver(rustml_event& event) const;
  rustml_call_options options_;
  rustml_callback progress_{};
  mutable uint64_t reported_ns_ = 0;
};

}  // namespace rustml::hub
