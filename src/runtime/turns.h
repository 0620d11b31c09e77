// Turns of several callers at something that one uses at a time: in order of arrival; short ones a few at a time.
//
// While others wait, a caller whose turn has ended keeps it for kKept if it may come back at once, up to kTurn in all: to hand over
// costs a sixth of a short pass. After one who did not come back nobody keeps a turn for kNoKeeping.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

#include "runtime/deadline.h"

namespace rustml::runtime {

class Turns {
 public:
  // Waits for a turn; false: `stop` has fired meanwhile. A caller is known by its `stop`.
  bool take(StopSignal& stop);
  void end(const StopSignal& stop) noexcept;
  // Another caller wanted its turn when the last one arrived. Any thread.
  bool crowded() const noexcept { return crowded_.load(std::memory_order_relaxed); }

 private:
  // On its caller's stack: it may be gone as soon as it is served.
  struct Waiter {
    std::atomic<uint32_t> served{0};  // release by who serves, acquire by who waits: the turn before is seen whole
  };

  void serve_next() noexcept;

  std::mutex mutex_;  // over all but crowded_
  std::deque<Waiter*> queue_;
  bool taken_ = false;                    // also while it is kept
  const StopSignal* kept_for_ = nullptr;  // who has ended and may come again first
  uint64_t begin_ns_ = 0, kept_until_ns_ = 0, no_keeping_until_ns_ = 0;
  std::atomic<bool> crowded_{false};
};

}  // namespace rustml::runtime
