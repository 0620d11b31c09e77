#include "hub/call.h"

#include <time.h>

#include <algorithm>

#include "boundary/private.h"

namespace rustml::hub {

namespace {

constexpr uint64_t kNap_ms = 10;

rustml_cancel* kept(rustml_cancel* given) {
  if (!given) return nullptr;
  uint32_t reason;
  boundary::check_handle(static_cast<Status>(rustml_private_cancel_reason(given, &reason)), "cancel");
  rustml_cancel* const cancel = rustml_cancel_retain(given);
  if (!cancel) boundary::check_handle(Status::invalid_handle, "cancel");  // released by another thread just now
  return cancel;
}

}  // namespace

Call::Call(const rustml_call_options* given)
    : options_(boundary::read_call_options(given)), progress_(options_, "download"), cancel_(kept(options_.cancel), rustml_cancel_release) {
  check();
}

void Call::check() const {
  uint32_t reason = 0;
  if (cancel_) rustml_private_cancel_reason(cancel_.get(), &reason);
  if (reason != 0 && reason != RUSTML_CANCEL_REASON_DEADLINE) fail(Status::cancelled, "download was cancelled");
  if (reason != 0 || (options_.deadline_ns != 0 && rustml_now_ns() >= options_.deadline_ns))
    fail(Status::deadline_exceeded, "download stopped: its deadline has passed");
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

void Call::progress(uint64_t done, uint64_t total) const { progress_.report(done, total); }

void Call::log(const std::string& text) const {
  rustml_event event = boundary::blank_event(RUSTML_EVENT_LOG);
  event.level = RUSTML_LOG_INFO;
  event.component = "rustml";
  event.text = text.data();
  event.text_len = text.size();
  progress_.deliver(event);
}

}  // namespace rustml::hub
