// The part of a handle's slot that a cancel handle uses: flag, reason and the count of running calls.
//
// One compare-and-swap on `word_` (generation << 32 | reason) decides a trigger, so a trigger that comes late, after its
// handle's slot went to another, misses by the generation. Its only winner then raises `flag_`, which is what calls poll.
// A slot whose winner has not done so yet when the handle dies is never used again (close returns false): otherwise the
// late raise would stop the next owner's calls. No allocation, no lock: trigger may run in a signal handler.
#pragma once
#include <atomic>
#include <cstdint>

#include "runtime/deadline.h"

namespace rustml::api {

class CancelSlot {
 public:
  void open(uint32_t generation) noexcept { word_.store(word(generation, 0), std::memory_order_release); }

  // False: this slot may not be used again.
  bool close() noexcept {
    const uint64_t last = word_.exchange(0, std::memory_order_acq_rel);
    const bool raised = flag_.reason.load(std::memory_order_acquire) != 0;
    if (reason(last) != 0 && !raised) return false;
    lower();
    return true;
  }

  // False: the handle is gone.
  bool trigger(uint32_t generation, uint32_t why) noexcept {
    uint64_t seen = word(generation, 0);
    if (word_.compare_exchange_strong(seen, word(generation, why), std::memory_order_acq_rel)) {
      flag_.trigger(why);
      return true;
    }
    return seen >> 32 == generation;  // triggered before: the first reason stays
  }

  // Why, or 0.
  uint32_t triggered(uint32_t generation) const noexcept {
    const uint64_t now = word_.load(std::memory_order_acquire);
    return now >> 32 == generation ? reason(now) : 0;
  }

  // False: a call that looks at the flag is running, or a trigger is under way.
  bool reset(uint32_t generation) noexcept {
    uint32_t idle = 0;
    if (!running_.compare_exchange_strong(idle, kResetting, std::memory_order_acquire)) return false;
    const bool raised = flag_.reason.load(std::memory_order_acquire) != 0;
    const bool possible = raised || !triggered(generation);
    if (raised) {
      lower();
      word_.store(word(generation, 0), std::memory_order_release);
    }
    running_.store(0, std::memory_order_release);
    return possible;
  }

  // A call that polls the flag begins and ends. False: being reset just now.
  bool begin_call() noexcept {
    uint32_t n = running_.load(std::memory_order_relaxed);
    while (n != kResetting)
      if (running_.compare_exchange_weak(n, n + 1, std::memory_order_acquire)) return true;
    return false;
  }
  void end_call() noexcept { running_.fetch_sub(1, std::memory_order_release); }

  const runtime::CancelFlag& flag() const noexcept { return flag_; }

 private:
  static constexpr uint32_t kResetting = UINT32_MAX;
  static constexpr uint64_t word(uint32_t generation, uint32_t why) noexcept { return uint64_t{generation} << 32 | why; }
  static constexpr uint32_t reason(uint64_t w) noexcept { return static_cast<uint32_t>(w); }
  void lower() noexcept {
    flag_.reason.store(0, std::memory_order_relaxed);
    flag_.time_ns.store(0, std::memory_order_relaxed);
  }

  std::atomic<uint64_t> word_{0};
  runtime::CancelFlag flag_;
  std::atomic<uint32_t> running_{0};
};

}  // namespace rustml::api
