// Threads that meet: they spin, and sleep once one of them has lost its core.
#pragma once
#include <atomic>
#include <cstdint>

namespace rustml::runtime {

// A word that is waited on. No wake is lost: who changes it does so with seq_cst and then looks for sleepers; who goes to sleep counts
// itself among them with seq_cst and then looks at the word. So one of the two sees what the other did.
class WaitedWord {
 public:
  std::atomic<uint32_t> value{0};
  // After a change of `value` with seq_cst.
  void wake() noexcept;
  // Until done(value), acquired. Returns the ns waited, 0 if that was short.
  template <class Done>
  uint64_t wait(Done done) noexcept;

 private:
  alignas(64) std::atomic<uint32_t> sleepers_{0};
};

// All members of a step meet, as often as they like, without a count of rounds to agree on: nobody enters a round before the one
// before has been left open by its last arrival.
class Barrier {
 public:
  // Returns when `size` threads have come, with the ns waited. What each did before is seen by all after (acq_rel on arrivals_ towards
  // the last one, its store to the round towards the others).
  uint64_t meet(int size) noexcept;

 private:
  alignas(64) std::atomic<uint32_t> arrivals_{0};
  alignas(64) WaitedWord round_;  // completed ones
};

// One thread waits until n others have arrived, then the count begins anew.
class Arrivals {
 public:
  void arrive() noexcept;
  // Returns the ns waited. What the others did before they arrived is seen after it. Nobody arrives again before it has returned.
  uint64_t wait_for(uint32_t n) noexcept;

 private:
  alignas(64) WaitedWord count_;
};

}  // namespace rustml::runtime
