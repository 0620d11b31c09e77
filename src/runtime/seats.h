// Worker threads, each at its seat: it hears a pass's call, says so, and then executes what it is given until another pass calls. Between
// passes it spins for a while, then sleeps.
//
// A worker looks at two words, the number of the pass that calls and its own order. Who stores one of them does so with seq_cst and then
// looks whether the worker sleeps; who goes to sleep says so with seq_cst and then looks at both words. So one of the two sees the other.
// What an order is about is written before the order, and read after it: the same store and load publish it.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/barrier.h"
#include "runtime/member.h"
#include "runtime/processors.h"
#include "runtime/thread.h"

namespace rustml::runtime {

constexpr int kMaxThreads = 256;

// All calls are the leader's, who has the team's turn.
class Seats {
 public:
  // What a worker does with an order; must not throw.
  using Work = std::function<void(int step, int rank, int size, PieceLog& pieces)>;
  explicit Seats(Work work) : work_(std::move(work)) {}
  ~Seats();  // joins the threads
  Seats(const Seats&) = delete;
  Seats& operator=(const Seats&) = delete;

  int count() const noexcept { return static_cast<int>(seats_.size()); }
  // n workers or, with a warning, as many as the system gives.
  void grow(int n);
  void set_spin(uint64_t ns) noexcept { spin_ns_.store(ns, std::memory_order_relaxed); }  // of idle workers, before they sleep

  // Begins a pass, or calls again in one, the first n workers; off_my_core: they are kept off the caller's processor.
  void call(int n, bool off_my_core) noexcept;
  bool answered(int i) const noexcept {
    return seats_[i]->answered.load(std::memory_order_acquire) == pass_.load(std::memory_order_relaxed);
  }
  // To a worker that has answered.
  void order(int i, int step, int rank, int size) noexcept;
  // Until n orders given have been executed. Returns the ns waited.
  uint64_t wait_for(int n) noexcept { return finished_.wait_for(static_cast<uint32_t>(n)); }
  const PieceLog& pieces(int i) const noexcept { return seats_[i]->pieces; }  // since the call, of a worker that has answered

 private:
  struct alignas(64) Seat {
    std::atomic<uint64_t> order{0};  // (pass << 32) | (step << 16) | (rank << 8) | (size - 1): each differs from the one before
    alignas(64) std::atomic<uint32_t> answered{0};  // the pass whose call was heard
    std::atomic<uint32_t> asleep{0};                // 1: in futex_wait on this word
    PieceLog pieces;
    Thread thread;
    Placement placement;
  };

  void occupy(Seat& seat);
  static void ring(Seat& seat) noexcept;

  const Work work_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::atomic<uint64_t> spin_ns_{50'000};
  alignas(64) std::atomic<uint32_t> pass_{0};  // number of the pass that calls for workers
  Arrivals finished_;                          // workers that have executed their order
  std::atomic<bool> quit_{false};
};

}  // namespace rustml::runtime
