// The caller's function for events, and the progress of a long call that goes to it.
#pragma once
#include <rustml.h>

#include "boundary/guard.h"

namespace rustml::boundary {

// An event without values: ids -1, logprob NaN, empty texts, time now.
rustml_event blank_event(int32_t kind) noexcept;

class Callback {
 public:
  Callback() = default;
  explicit Callback(const rustml_callback* given, const char* name);  // NULL: none; throws for a bad struct
  explicit operator bool() const noexcept { return on_event_ != nullptr; }
  int32_t operator()(const rustml_event& event) const {
    return shielded([&] { return on_event_(user_data_, &event); });
  }

 private:
  int32_t (*on_event_)(void*, const rustml_event*) = nullptr;
  void* user_data_ = nullptr;
};

// With its flags checked.
rustml_call_options read_call_options(const rustml_call_options* given);

// rustml_call_options.progress of one call. `subject` for messages: "model load".
class Progress {
 public:
  Progress(const rustml_call_options& options, const char* subject);
  explicit operator bool() const noexcept { return static_cast<bool>(callback_); }
  void report(uint64_t done, uint64_t total);     // a PROGRESS event; a few a second get through. Throws callback_stop
  void deliver(const rustml_event& event) const;  // throws callback_stop

 private:
  Callback callback_;
  const char* subject_;
  uint64_t reported_ns_ = 0;
};

}  // namespace rustml::boundary
