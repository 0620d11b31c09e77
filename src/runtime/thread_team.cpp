#include "runtime/thread_team.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "runtime/float_mode.h"
#include "runtime/spin.h"

namespace rustml::runtime {

namespace {

constexpr uint64_t kSpinIdle = 50'000;     // ns a worker spins after a pass before it sleeps
constexpr uint64_t kSpinBusy = 1'000'000;  // the same while tokens are pulled regularly
constexpr uint64_t kAnswerWait = 2'000;    // ns the leader waits for workers that spin already
constexpr uint64_t kWakeWait = 20'000;     // the same for those that sleep between shifts, which takes 6 to 8 us

// Trivially destructible, so that a process may exit without cleanup at any time.
std::mutex g_lease_mutex;
ThreadTeam* g_team = nullptr;
int g_leases = 0;

}  // namespace

std::shared_ptr<ThreadTeam> ThreadTeam::lease() {
  std::unique_lock lock(g_lease_mutex);
  if (g_team && g_team->process_ != getpid()) {  // of the parent: in a child of fork its threads do not exist. It is left as it is
    g_team = nullptr;
    g_leases = 0;
  }
  if (!g_team) g_team = new ThreadTeam;
  ++g_leases;
  ThreadTeam* team = g_team;
  lock.unlock();
  return std::shared_ptr<ThreadTeam>(team, [](ThreadTeam* t) {
    const std::lock_guard guard(g_lease_mutex);
    if (t != g_team || t->process_ != getpid() || --g_leases > 0) return;
    g_team = nullptr;
    delete t;
  });
}

ThreadTeam::ThreadTeam()
    : process_(getpid()), seats_([this](int step, int rank, int size, PieceLog& pieces) {
        Member member(step_, rank, size, *pass_->stop, pieces);
        (*pass_->step)(step, member);
      }) {}

ThreadTeam::PassReport ThreadTeam::run(int n_threads, int n_steps, const Step& step, StopSignal& stop, uint64_t gather_ns) {
  if (!turns_.take(stop)) return {};
  struct Turn {
    Turns& turns;
    const StopSignal& stop;
    ~Turn() { turns.end(stop); }
  } turn{turns_, stop};
  const DefaultFloatMode float_mode;
  Pass pass{&step, &stop, gather_ns > 0};
  begin(pass, n_threads, gather_ns);
  for (int s = 0; s < n_steps && !stop.poll(); ++s) run_step(pass, s);
  return end(pass);
}

void ThreadTeam::begin(Pass& pass, int n_threads, uint64_t gather_ns) {
  const uint64_t start = now_ns(), idle = start - last_pass_end_ns_;
  rivals_.begin_pass(idle);
  const bool rival = !pass.coarse && rivals_.beside(start);
  seats_.set_spin(idle < kSpinBusy && !rival ? kSpinBusy : kSpinIdle);
  seats_.grow(std::min(n_threads, kMaxThreads) - 1);
  pass.most_workers = std::min(n_threads - 1, seats_.count());
  pass_ = &pass;
  if (!rival || rivals_.admits(start, false)) call(pass, rival, std::max(gather_ns, kAnswerWait));
}

// Calls for all workers and waits so long for their answers.
void ThreadTeam::call(Pass& pass, bool rival, uint64_t wait_ns) noexcept {
  pass.called = pass.most_workers;
  seats_.call(pass.called, rival);
  if (pass.called > 0 && wait_ns > 0)
    spin_until(wait_ns, [&] {
      for (int i = 0; i < pass.called; ++i)
        if (!seats_.answered(i)) return false;
      return true;
    });
}

void ThreadTeam::run_step(Pass& pass, int step) {
  const uint64_t start = now_ns();
  const bool rival = !pass.coarse && rivals_.beside(start), admitted = !rival || rivals_.admits(start, pass.called > 0);
  if (!admitted) pass.called = 0;
  if (pass.called < pass.most_workers && admitted) call(pass, rival, rival ? kWakeWait : 0);  // waits: a step may be long

  int members[kMaxThreads];
  int n = 0;
  for (int i = 0; i < pass.called; ++i)
    if (seats_.answered(i)) members[n++] = i;
  if (rival && n > 0) rivals_.works(start);
  step_.claims.store(0, std::memory_order_relaxed);
  for (int rank = 1; rank <= n; ++rank) seats_.order(members[rank - 1], step, rank, n + 1);

  Member leader(step_, 0, n + 1, *pass.stop, pass.leader_pieces);
  step_.leader_waited_ns = 0;
  (*pass.step)(step, leader);
  const uint64_t waited = seats_.wait_for(n) + step_.leader_waited_ns;
  if (n > 0 && !pass.coarse && !rival) rivals_.judge_step(start, now_ns(), waited, turns_.crowded());
}

// The call is over: workers that answer late find it so, and those that took part go back to waiting.
ThreadTeam::PassReport ThreadTeam::end(const Pass& pass) noexcept {
  PassReport report;
  if (pass.stop->stopped()) {
    const uint64_t trigger = pass.stop->triggered_ns();
    report.pieces_after_stop = pass.leader_pieces.begun_after(trigger);
    for (int i = 0; i < pass.called; ++i)
      if (seats_.answered(i)) report.pieces_after_stop = std::max(report.pieces_after_stop, seats_.pieces(i).begun_after(trigger));
  }
  pass_ = nullptr;
  last_pass_end_ns_ = now_ns();
  return report;
}

}  // namespace rustml::runtime
