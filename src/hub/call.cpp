#include "hub/call.h"

#include <cxxabi.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "boundary/structs.h"

namespace rustml::hub {

using base::fail;
using base::Status;
using namespace boundary;

namespace {
constexpr uint64_t kProgressInterval_ns = 200'000'000, kNap_ms = 10;
}

Call::Call(const rustml_call_options* given) : options_(read_struct(given)) {
  if (options_.progress) {
    progress_ = read_struct(options_.progress);
    progress_.destroy = nullptr;  // the caller's, run at the end of the exported function
    options_.progress = &progress_;
  }
  ask_core();
  options_.cancel = rustml_cancel_retain(options_.cancel);  // lives until this call returns
}

Call::~Call() { rustml_cancel_release(options_.cancel); }

// Opening a model of no bytes fails: with the core's own words when it refuses the options, with CANCELLED or
// DEADLINE_EXCEEDED as the cancel's reason wants it, and about the bytes when there is nothing to object.
void Call::ask_core() const {
  rustml_model* model = nullptr;
  rustml_error* error = nullptr;
  const int32_t status = rustml_model_open_memory("", 0, nullptr, &model, &options_, &error);
  const std::unique_ptr<rustml_error, decltype(&rustml_error_release)> owned(error, rustml_error_release);
  if (status == RUSTML_CANCELLED) fail(Status::cancelled, "download was cancelled");
  if (status == RUSTML_DEADLINE_EXCEEDED) fail(Status::deadline_exceeded, "download stopped: its deadline has passed");
  if (status != RUSTML_DATA_LOSS && status != RUSTML_UNIMPLEMENTED) fail(static_cast<Status>(status), rustml_error_message(error));
}

void Call::check() const {
  const bool late = options_.deadline_ns != 0 && rustml_now_ns() >= options_.deadline_ns;
  if (late || rustml_cancel_is_triggered(options_.cancel)) ask_core();
}

void Call::wait(uint64_t milliseconds) const {
  for (;;) {
    check();
    if (milliseconds == 0) return;
    const uint64_t nap = std::min(milliseconds, kNap_ms);
    const timespec time{0, static_cast<long>(nap * 1'000'000)};
    nanosleep(&time, nullptr);
    milliseconds -= nap;
  }
}

void Call::deliver(rustml_event& event) const {
  event.struct_size = sizeof event;
  event.token_id = -1;
  event.logprob = NAN;
  event.bytes = "";
  if (!event.text) event.text = "";
  event.time_ns = rustml_now_ns();
  int32_t value = -1;
  try {
    value = progress_.on_event(progress_.user_data, &event);
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {  // counts as -1
  }
  if (value != 0)
    throw base::Error(Status::callback_stop, "download stopped: the progress callback returned " + std::to_string(value), {}, value);
}

void Call::progress(uint64_t done, uint64_t total) const {
  if (!progress_.on_event) return;
  const uint64_t now = rustml_now_ns();
  if (done < total && reported_ns_ != 0 && now - reported_ns_ < kProgressInterval_ns) return;
  reported_ns_ = now;
  rustml_event event{};
  event.kind = RUSTML_EVENT_PROGRESS;
  event.done = done;
  event.total = total;
  deliver(event);
}

void Call::log(const std::string& text) const {
  if (!progress_.on_event) return;
  rustml_event event{};
  event.kind = RUSTML_EVENT_LOG;
  event.level = RUSTML_LOG_INFO;
  event.component = "rustml";
  event.text = text.data();
  event.text_len = text.size();
  deliver(event);
}

}  // namespace rustml::hub
