// The caller's functions: events, readers, sinks; and what a long call carries (cancel, deadline, progress).
//
// Every call first adopts what it was given, before anything can fail: so that destroy runs exactly once per call. A
// callback struct is readable if its pointer and struct_size make sense and `destroy` lies inside it.
#pragma once
#include <cstdint>
#include <memory>

#include "api/guard.h"
#include "base/file_reader.h"
#include "runtime/deadline.h"
#include "rustml.h"

namespace rustml::api {

void adopt(Scope& scope, const rustml_callback* callback) noexcept;
void adopt(Scope& scope, const rustml_reader* reader) noexcept;
void adopt(Scope& scope, const rustml_sink* sink) noexcept;
void adopt(Scope& scope, const rustml_call_options* call) noexcept;  // its progress callback

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

// An event without values: ids -1, logprob NaN, empty texts, time now.
rustml_event blank_event(int32_t kind) noexcept;

// `name` for messages: "reader", "source". Valid during the call only.
std::unique_ptr<base::FileReader> open_reader(const rustml_reader* reader, const char* name);

class Sink {
 public:
  explicit Sink(const rustml_sink* given);
  void write(const void* data, uint64_t n) const;  // throws callback_stop

 private:
  rustml_sink sink_;
};

// Cancel, deadline and progress of one call. `subject` as in StopSignal::raise.
class LongCall {
 public:
  LongCall(const rustml_call_options* options, const char* subject);
  LongCall(const LongCall&) = delete;
  LongCall& operator=(const LongCall&) = delete;
  // Throws if the call must not even begin.
  runtime::Call& begin();

 private:
  void report(uint64_t done, uint64_t total);
  const char* subject_;
  rustml_call_options options_;
  CancelUse cancel_;
  CancelUse::Running running_;
  runtime::StopSignal stop_;
  Callback progress_;
  uint64_t reported_ns_ = 0;
  runtime::Call call_;
};

}  // namespace rustml::api
