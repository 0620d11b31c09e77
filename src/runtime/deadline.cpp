#include "runtime/deadline.h"

#include <algorithm>
#include <ctime>
#include <string>

#include "base/error.h"

namespace rustml::runtime {

uint64_t now_ns() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}

void CancelFlag::trigger(uint32_t why) noexcept {
  uint64_t unset = 0;
  time_ns.compare_exchange_strong(unset, now_ns());
  uint32_t none = 0;
  reason.compare_exchange_strong(none, why);
}

namespace {
uint64_t limit(uint64_t deadline_ns) { return deadline_ns == 0 ? kNever : deadline_ns; }
}  // namespace

StopSignal::StopSignal(const CancelFlag* cancel, uint64_t deadline_ns) noexcept : cancel_(cancel), total_ns_(limit(deadline_ns)) {}

void StopSignal::set_first_token_deadline(uint64_t deadline_ns) noexcept { first_token_ns_ = limit(deadline_ns); }

void StopSignal::set_stall_timeout(uint64_t timeout_ns) noexcept {
  stall_timeout_ns_ = timeout_ns == kNever ? 0 : timeout_ns;
  stall_ns_.store(kNever, std::memory_order_relaxed);
  progress();
}

void StopSignal::progress() noexcept {
  if (stall_timeout_ns_ == 0) return;
  const uint64_t now = now_ns();
  stall_ns_.store(stall_timeout_ns_ < kNever - now ? now + stall_timeout_ns_ : kNever, std::memory_order_relaxed);
}

bool StopSignal::poll() noexcept {
  if (stopped()) return true;
  StopCause found = StopCause::none;
  uint64_t when = 0;
  if (const uint32_t reason = cancel_ ? cancel_->reason.load(std::memory_order_acquire) : 0) {
    found = reason == kReasonDeadline ? StopCause::cancel_deadline : StopCause::cancelled;
    when = cancel_->time_ns.load(std::memory_order_acquire);
  } else {
    const uint64_t stall = stall_ns_.load(std::memory_order_relaxed);
    when = std::min({total_ns_, first_token_ns_, stall});
    if (when == kNever || now_ns() < when) return false;
    found = when == total_ns_ ? StopCause::total_deadline : when == first_token_ns_ ? StopCause::first_token_deadline : StopCause::stall;
  }
  uint64_t unset = 0;
  triggered_ns_.compare_exchange_strong(unset, when, std::memory_order_acq_rel);
  StopCause none = StopCause::none;
  cause_.compare_exchange_strong(none, found, std::memory_order_acq_rel);
  return true;
}

uint32_t StopSignal::cancel_reason() const noexcept { return cancel_ ? cancel_->reason.load(std::memory_order_acquire) : 0; }

uint64_t StopSignal::triggered_ns() const noexcept { return stopped() ? triggered_ns_.load(std::memory_order_acquire) : 0; }

void StopSignal::raise(const char* subject) const {
  const std::string name = subject;
  switch (cause()) {
    case StopCause::cancel_deadline:
      base::fail(base::Status::deadline_exceeded, name + " stopped: its cancel handle fired with reason DEADLINE");
    case StopCause::total_deadline: base::fail(base::Status::deadline_exceeded, name + " stopped: deadline_ns has passed");
    case StopCause::first_token_deadline:
      base::fail(base::Status::deadline_exceeded, name + " stopped: first_token_deadline_ns has passed before the first token");
    case StopCause::stall: base::fail(base::Status::deadline_exceeded, name + " stopped: no progress within stall_timeout_ns");
    default:
      base::fail(base::Status::cancelled, name + " stopped: its cancel handle fired (reason " + std::to_string(cancel_reason()) + ")");
  }
}

}  // namespace rustml::runtime
