// The caller's reader and sink, and what a long call carries (cancel, deadline, progress).
#pragma once
#include <cstdint>
#include <memory>

#include "api/guard.h"
#include "base/file_reader.h"
#include "boundary/callback.h"
#include "runtime/deadline.h"
#include "rustml.h"

namespace rustml::api {

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
  // Throws if the call must not even begin.
  LongCall(const rustml_call_options* options, const char* subject);
  LongCall(const LongCall&) = delete;
  LongCall& operator=(const LongCall&) = delete;
  runtime::Call& call() noexcept { return call_; }

 private:
  rustml_call_options options_;
  CancelUse cancel_;
  CancelUse::Running running_;
  runtime::StopSignal stop_;
  Progress progress_;
  runtime::Call call_;
};

}  // namespace rustml::api
