#include "runtime/seats.h"

#include <string>

#include "base/error.h"
#include "base/log.h"
#include "runtime/float_mode.h"
#include "runtime/futex.h"
#include "runtime/spin.h"

namespace rustml::runtime {

Seats::~Seats() {
  quit_.store(true, std::memory_order_release);
  pass_.fetch_add(1, std::memory_order_seq_cst);
  for (auto& seat : seats_) ring(*seat);
  for (auto& seat : seats_) seat->thread.join();
}

void Seats::grow(int n) {
  while (count() < n) {
    auto seat = std::make_unique<Seat>();
    Seat* place = seat.get();
    seats_.reserve(seats_.size() + 1);
    try {
      place->thread = Thread([this, place] { occupy(*place); });
    } catch (const base::Error& e) {
      base::log(base::LogLevel::warn, "rustml::threads",
                "thread team: only " + std::to_string(count() + 1) + " of " + std::to_string(n + 1) + " threads: " + e.message());
      return;
    }
    seats_.push_back(std::move(seat));
  }
}

void Seats::call(int n, bool off_my_core) noexcept {
  pass_.store(pass_.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  for (int i = 0; i < n; ++i) {
    Seat& seat = *seats_[i];
    off_my_core ? seat.placement.avoid_mine(seat.thread) : seat.placement.restore(seat.thread);
    ring(seat);
  }
}

void Seats::order(int i, int step, int rank, int size) noexcept {
  const uint64_t pass = pass_.load(std::memory_order_relaxed);
  seats_[i]->order.store(
      pass << 32 | static_cast<uint64_t>(step) << 16 | static_cast<uint64_t>(rank) << 8 | static_cast<uint64_t>(size - 1),
      std::memory_order_seq_cst);
  ring(*seats_[i]);
}

void Seats::ring(Seat& seat) noexcept {
  if (seat.asleep.load(std::memory_order_seq_cst) == 0) return;
  seat.asleep.store(0, std::memory_order_seq_cst);
  futex_wake(seat.asleep);
}

// What the thread at the seat runs.
void Seats::occupy(Seat& seat) {
  const DefaultFloatMode float_mode;
  uint64_t done = 0;   // last order executed
  uint32_t heard = 0;  // last pass answered
  for (;;) {
    uint64_t order = done;
    const auto news = [&] {
      order = seat.order.load(std::memory_order_seq_cst);
      return order != done || pass_.load(std::memory_order_seq_cst) != heard;
    };
    if (!spin_until(spin_ns_.load(std::memory_order_relaxed), news)) {
      seat.asleep.store(1, std::memory_order_seq_cst);
      while (!news()) {
        futex_wait(seat.asleep, 1);
        seat.asleep.store(1, std::memory_order_seq_cst);
      }
      seat.asleep.store(0, std::memory_order_relaxed);
    }
    if (quit_.load(std::memory_order_acquire)) return;
    if (order != done) {
      work_(static_cast<int>(order >> 16 & 0xFFFF), static_cast<int>(order >> 8 & 0xFF), static_cast<int>(order & 0xFF) + 1, seat.pieces);
      done = order;
      finished_.arrive();
      continue;
    }
    heard = pass_.load(std::memory_order_acquire);
    seat.pieces = {};
    seat.answered.store(heard, std::memory_order_release);
  }
}

}  // namespace rustml::runtime
