// Cancel, deadline and events of one call. Of librustml it calls what rustml.h and boundary/private.h declare.
#pragma once
#include <rustml_hub.h>

#include <memory>
#include <string>

#include "boundary/callback.h"

namespace rustml::hub {

using base::fail;
using base::Status;

class Call {
 public:
  // NULL: no limits, no events. Throws for a bad struct or handle, and if the call must not even begin.
  explicit Call(const rustml_call_options* given);

  void check() const;                                  // throws cancelled or deadline_exceeded
  void wait(uint64_t milliseconds) const;              // sleeps, checking
  void progress(uint64_t done, uint64_t total) const;  // throws callback_stop; a few events a second get through
  void log(const std::string& text) const;             // level info, component "rustml"

 private:
  const rustml_call_options options_;
  mutable boundary::Progress progress_;
  const std::unique_ptr<rustml_cancel, int32_t (*)(rustml_cancel*)> cancel_;  // ours until this call returns; null: none
};

}  // namespace rustml::hub
