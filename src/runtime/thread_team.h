// One team of threads per process, shared by all models: created with the first lease, joined with the last.
//
// A pass is a sequence of steps (layers) that members execute together: each step is one function called by every member
// with its rank, and members meet at `Member::sync`. Membership is decided at every step: the leader, which is the calling
// thread, takes in the workers that have answered this pass's call by then, and starts alone if none has. So nothing waits
// for a thread that the system has not scheduled. Results must not depend on who takes part.
//
// Passes of several sessions take turns (turns.h); workers sit at seats.h; beside another busy program they work in shifts (rivals.h).
// Waits: spin, then futex; never sched_yield.
#pragma once
#include <sys/types.h>

#include <functional>
#include <memory>

#include "runtime/deadline.h"
#include "runtime/member.h"
#include "runtime/rivals.h"
#include "runtime/seats.h"
#include "runtime/turns.h"

namespace rustml::runtime {

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
  // The pass that runs now, its leader's but for what a step needs.
  struct Pass {
    const Step* step;
    StopSignal* stop;
    bool coarse;  // gather_ns > 0: rivals do not matter
    int most_workers = 0, called = 0;
    PieceLog leader_pieces{};
  };

  ThreadTeam();
  ~ThreadTeam() = default;
  void begin(Pass& pass, int n_threads, uint64_t gather_ns);
  void run_step(Pass& pass, int step);
  PassReport end(const Pass& pass) noexcept;
  void call(Pass& pass, bool rival, uint64_t wait_ns) noexcept;

  const pid_t process_;
  Turns turns_;
  // Of who has the turn.
  Pass* pass_ = nullptr;
  Rivals rivals_;
  uint64_t last_pass_end_ns_ = 0;
  StepState step_;
  Seats seats_;  // the last: its threads use the others
};

}  // namespace rustml::runtime
