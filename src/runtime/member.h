// One thread's view of the step it is in, and how work is divided among the members of a step.
#pragma once
#include <atomic>
#include <cstdint>

#include "runtime/barrier.h"
#include "runtime/deadline.h"

namespace rustml::runtime {

// When one thread began its last two pieces of work of a pass: proves that a stop is seen within one further piece.
struct alignas(64) PieceLog {
  uint64_t last_ns = 0, previous_ns = 0;
  uint32_t begun_after(uint64_t trigger_ns) const noexcept {
    return static_cast<uint32_t>((last_ns > trigger_ns) + (previous_ns > trigger_ns));
  }
};

// What the members of a step have in common.
struct StepState {
  Barrier barrier;
  // Operation of the step (16 bits), shares given away from the end (24), from the beginning (24). Relaxed: it orders nothing but itself;
  // what a share's result is needed for is behind a barrier. Zero when a step begins.
  alignas(64) std::atomic<uint64_t> claims{0};
  uint64_t leader_waited_ns = 0;  // the leader's own
};

class Member {
 public:
  Member(StepState& step, int rank, int size, StopSignal& stop, PieceLog& pieces) noexcept
      : step_(step), stop_(stop), pieces_(pieces), rank_(rank), size_(size) {}
  int rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }
  bool leader() const noexcept { return rank_ == 0; }
  // All members of the step have come here before any goes on.
  void sync() noexcept;
  // Asked before every piece of work (at most 4 MB of weights x 16 tokens); false: stop, do not begin it.
  bool begin_piece() noexcept;
  // One of the shares 0 ... n - 1 of an operation that belong to whoever comes first, each given to one member only; n: none is
  // left. Every member asks until then, in operation after operation, with or without a barrier between them. from_end: the last of
  // those left instead of the first. n is less than 2^24.
  int64_t claim(int64_t n, bool from_end = false) noexcept;
  bool stopped() const noexcept { return stop_.stopped(); }

 private:
  StepState& step_;
  StopSignal& stop_;
  PieceLog& pieces_;
  const int rank_, size_;
  uint32_t operation_ = 0;  // of this step, as `claim` counts them
};

// Half-open range of units, for rank `rank` of `size`: contiguous, sizes differ by at most one.
struct Range {
  int64_t begin, end;
};
inline Range share(int64_t units, int rank, int size) noexcept { return {units * rank / size, units * (rank + 1) / size}; }

}  // namespace rustml::runtime
