#include "runtime/turns.h"

#include <algorithm>

#include "runtime/futex.h"

namespace rustml::runtime {

namespace {

constexpr uint64_t kTurn = 10'000'000, kKept = 200'000, kNoKeeping = 100'000'000;  // ns
constexpr uint32_t kPoll = 2'000'000;  // ns between two looks of a waiting caller at its stop signal

}  // namespace

bool Turns::take(StopSignal& stop) {
  Waiter self;
  {
    const std::lock_guard lock(mutex_);
    crowded_.store(taken_, std::memory_order_relaxed);
    if (!taken_ || kept_for_ == &stop) {
      if (!taken_) begin_ns_ = now_ns();
      taken_ = true;
      kept_for_ = nullptr;
      return true;
    }
    queue_.push_back(&self);
  }
  while (self.served.load(std::memory_order_acquire) == 0) {
    futex_wait_for(self.served, 0, kPoll);
    if (self.served.load(std::memory_order_acquire) != 0) return true;
    const bool stopped = stop.poll();
    const std::lock_guard lock(mutex_);
    const uint64_t now = now_ns();
    if (kept_for_ && now > kept_until_ns_) {  // it did not come back: others would wait for nothing if that were usual
      no_keeping_until_ns_ = now + kNoKeeping;
      serve_next();
    }
    if (!stopped || self.served.load(std::memory_order_relaxed) != 0) continue;  // served and stopped: the pass will see it
    queue_.erase(std::find(queue_.begin(), queue_.end(), &self));
    if (kept_for_ && queue_.empty()) serve_next();
    return false;
  }
  return true;
}

void Turns::end(const StopSignal& stop) noexcept {
  const std::lock_guard lock(mutex_);
  const uint64_t now = now_ns();
  if (!queue_.empty() && now - begin_ns_ < kTurn && now > no_keeping_until_ns_) {
    kept_for_ = &stop;
    kept_until_ns_ = now + kKept;
  } else {
    serve_next();
  }
}

// With the lock held.
void Turns::serve_next() noexcept {
  kept_for_ = nullptr;
  taken_ = !queue_.empty();  // true: handed over
  if (!taken_) return;
  Waiter& next = *queue_.front();
  queue_.pop_front();
  begin_ns_ = now_ns();
  next.served.store(1, std::memory_order_release);
  futex_wake(next.served);
}

}  // namespace rustml::runtime
