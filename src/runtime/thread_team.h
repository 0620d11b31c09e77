// One team of threads per process, shared by all models: created with the first lease, joined with the last.
//
// A pass is a sequence of steps (layers) that members execute together: each step is one function called by every member
// with its rank, and members meet at `Member::sync`. Membership is decided at every step: the leader, which is the calling
// thread, takes in the workers that have answered this pass's call by then, and starts alone if none has. So nothing waits
// for a thread that the system has not scheduled. Results must not depend on who takes part.
//
// When the leader has to wait long for members, whose core then has gone to another process, these come in shifts for a while: somewhat
// less than a millisecond of work, as much sleep. A thread that leaves its core half of the time has it when it wakes, and is not
// interrupted at its work, for which all others would wait. Now and then it is tried without, ever more rarely while that goes wrong.
//
// Passes of several sessions take turns, in order of arrival; short ones a few at a time. Waits: spin, then futex; never sched_yield.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/deadline.h"
#include "runtime/placement.h"
#include "runtime/thread.h"

namespace rustml::runtime {

constexpr int kMaxThreads = 256;

// When one thread began its last two pieces of work of a pass: proves that a stop is seen within one further piece.
struct alignas(64) PieceLog {
  uint64_t last_ns = 0, previous_ns = 0;
};

class ThreadTeam;

// One thread's view of the step it is in.
class Member {
 public:
  Member(ThreadTeam& team, int rank, int size, StopSignal& stop, PieceLog& pieces) noexcept
      : team_(team), stop_(stop), pieces_(pieces), rank_(rank), size_(size) {}
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
  ThreadTeam& team_;
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

class ThreadTeam {
 public:
  // A lease of the process's team; the last one to go joins the threads. A child of fork gets a team of its own, and leases that
  // it has inherited do nothing when they go.
  static std::shared_ptr<ThreadTeam> lease();

  using Step = std::function<void(int step, Member& member)>;
  struct PassReport {
    uint32_t pieces_after_stop = 0;  // most that any thread began after the trigger
  };
  // Runs steps 0 ... n_steps - 1 with at most n_threads members, the caller among them. Returns early, between steps or
  // while it waits for the team's turn, once `stop` has fired. `gather_ns`: how long the leader waits for all workers before step 0; above
  // 0 says too that work is divided as it goes, so that a member who has lost its core holds nobody up. Step functions must not throw.
  PassReport run(int n_threads, int n_steps, const Step& step, StopSignal& stop, uint64_t gather_ns = 0);

  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

 private:
  friend class Member;
  // A worker's place. `command` changes with every step given to it; `answered` is the pass whose call it has heard.
  struct alignas(64) Seat {
    std::atomic<uint64_t> command{0};  // (pass << 32) | (step << 16) | (rank << 8) | (size - 1)
    alignas(64) std::atomic<uint32_t> answered{0};
    std::atomic<uint32_t> asleep{0};  // 1: in futex_wait on this word
    PieceLog pieces;
    Thread thread;
    Placement placement;
  };
  struct Waiter {
    std::atomic<uint32_t> served{0};
  };

  ThreadTeam();
  ~ThreadTeam();
  bool take_turn(StopSignal& stop);  // false: `stop` has fired meanwhile
  void end_turn(const StopSignal& stop) noexcept;
  void serve_next() noexcept;
  void grow(int n_workers);
  void work(Seat& seat);
  static void ring(Seat& seat) noexcept;
  void wait_for_arrivals(uint32_t n) noexcept;
  void sync(int size, bool leader) noexcept;
  void judge_step(uint64_t step_start) noexcept;
  uint64_t spin_ns() const noexcept { return spin_ns_.load(std::memory_order_relaxed); }

  const pid_t process_;
  std::mutex mutex_;  // turn and seats' creation
  std::deque<Waiter*> queue_;
  bool running_ = false;
  std::atomic<bool> crowded_{false};      // another caller wanted its turn while a pass ran
  const StopSignal* kept_for_ = nullptr;  // whose pass has ended and may come again first; running_ is true then
  uint64_t turn_begin_ns_ = 0, kept_until_ns_ = 0, no_keeping_until_ns_ = 0;
  std::vector<std::unique_ptr<Seat>> seats_;

  // Of the pass that runs now.
  const Step* step_ = nullptr;
  StopSignal* stop_ = nullptr;
  PieceLog leader_pieces_;
  uint64_t last_pass_end_ns_ = 0;
  int long_waits_ = 0;                             // of the leader, in this pass
  uint64_t last_loss_ns_ = 0;                      // when the leader last waited long
  uint64_t waited_ns_ = 0;                         // by the leader for members, in this step
  uint64_t rival_until_ns_ = 0, rival_for_ns_;     // see judge_step
  uint64_t shift_end_ns_ = 0, rest_until_ns_ = 0;  // of the workers beside a rival; the later one tells what is on
  std::atomic<uint64_t> spin_ns_{50'000};

  alignas(64) std::atomic<uint32_t> pass_{0};      // number of the pass that calls for workers
  alignas(64) std::atomic<uint32_t> arrivals_{0};  // at the barrier inside a step
  alignas(64) std::atomic<uint32_t> epoch_{0};     // completed barriers
  alignas(64) std::atomic<uint32_t> finished_{0};  // workers that have finished the step
  alignas(64) std::atomic<uint32_t> barrier_sleepers_{0};
  alignas(64) std::atomic<uint64_t> claims_{
      0};  // operation of the step (16 bits), shares given away from the end (24), from the beginning (24)
  std::atomic<bool> quit_{false};
};

}  // namespace rustml::runtime
