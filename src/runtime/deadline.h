// Limits and cancel of one call, seen by every thread that works for it. `poll` is what each piece of work asks first:
// the flag, then the clock against the nearest limit. The first cause found is latched, so that all threads agree on it.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>

namespace rustml::runtime {

uint64_t now_ns() noexcept;  // the monotonic clock of all deadlines; async-signal-safe
constexpr uint64_t kNever = UINT64_MAX;

// The reason of a cancel that counts as a deadline: RUSTML_CANCEL_REASON_DEADLINE (api/mirrored.cpp asserts it).
constexpr uint32_t kReasonDeadline = 2;

// Shared by a cancel handle and all calls it is attached to. trigger is async-signal-safe.
struct CancelFlag {
  std::atomic<uint64_t> time_ns{0};  // written before reason
  std::atomic<uint32_t> reason{0};   // 0: not triggered
  void trigger(uint32_t why) noexcept;
};

enum class StopCause : uint32_t { none, cancelled, cancel_deadline, total_deadline, first_token_deadline, stall };

class StopSignal {
 public:
  // cancel may be null; deadline_ns 0 or kNever: none.
  explicit StopSignal(const CancelFlag* cancel = nullptr, uint64_t deadline_ns = 0) noexcept;
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Between passes, by the owner only (0 or kNever: none).
  void set_first_token_deadline(uint64_t deadline_ns) noexcept;
  // Stops when `timeout_ns` pass between two calls of progress() by any threads.
  void set_stall_timeout(uint64_t timeout_ns) noexcept;
  void progress() noexcept;  // work goes on; costs nothing without a stall timeout
  // True once the call must stop. Any thread, lock-free, about 25 ns.
  bool poll() noexcept;
  bool stopped() const noexcept { return cause() != StopCause::none; }
  StopCause cause() const noexcept { return cause_.load(std::memory_order_acquire); }
  uint32_t cancel_reason() const noexcept;
  uint64_t triggered_ns() const noexcept;  // when the flag was raised or the limit passed; 0: not stopped
  // Throws the Error that the cause stands for: CANCELLED or DEADLINE_EXCEEDED. `subject`: "model load", "prefill", ...
  [[noreturn]] void raise(const char* subject) const;
  void check(const char* subject) {
    if (poll()) raise(subject);
  }

 private:
  const CancelFlag* cancel_;
  uint64_t total_ns_, first_token_ns_ = kNever, stall_timeout_ns_ = 0;
  std::atomic<uint64_t> stall_ns_{kNever};  // when the stall limit passes unless there is progress
  std::atomic<uint64_t> triggered_ns_{0};   // of a limit
  std::atomic<StopCause> cause_{StopCause::none};
};

// What a long call carries: its limits, and where progress goes (calling thread only; may throw callback_stop).
struct Call {
  StopSignal& stop;
  std::function<void(uint64_t done, uint64_t total)> progress;  // may be empty
};

}  // namespace rustml::runtime
