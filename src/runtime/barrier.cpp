#include "runtime/barrier.h"

#include "runtime/futex.h"
#include "runtime/spin.h"

namespace rustml::runtime {

namespace {

constexpr uint64_t kSpin = 200'000;  // ns before sleeping: a member has lost its core

}  // namespace

void WaitedWord::wake() noexcept {
  if (sleepers_.load(std::memory_order_seq_cst) != 0) futex_wake(value);
}

template <class Done>
uint64_t WaitedWord::wait(Done done) noexcept {
  uint64_t waited = 0;
  while (!spin_until(
      kSpin, [&] { return done(value.load(std::memory_order_acquire)); }, &waited)) {
    const uint64_t begin = now_ns();
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t seen = value.load(std::memory_order_seq_cst);
    if (!done(seen)) futex_wait(value, seen);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    waited += now_ns() - begin;
  }
  return waited;
}

uint64_t Barrier::meet(int size) noexcept {
  if (size == 1) return 0;
  const uint32_t round = round_.value.load(std::memory_order_acquire);
  if (arrivals_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(size)) {
    arrivals_.store(0, std::memory_order_relaxed);  // before the round: whoever sees that sees this
    round_.value.store(round + 1, std::memory_order_seq_cst);
    round_.wake();
    return 0;
  }
  return round_.wait([round](uint32_t now) { return now != round; });
}

void Arrivals::arrive() noexcept {
  count_.value.fetch_add(1, std::memory_order_seq_cst);
  count_.wake();
}

uint64_t Arrivals::wait_for(uint32_t n) noexcept {
  if (n == 0) return 0;
  const uint64_t waited = count_.wait([n](uint32_t now) { return now == n; });
  count_.value.store(0, std::memory_order_relaxed);
  return waited;
}

}  // namespace rustml::runtime
