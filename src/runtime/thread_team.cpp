#include "runtime/thread_team.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "runtime/float_mode.h"
#include "runtime/futex.h"

namespace rustml::runtime {

namespace {

constexpr uint64_t kSpinIdle = 50'000;      // ns a worker spins after a pass before it sleeps
constexpr uint64_t kSpinBusy = 1'000'000;   // the same while tokens are pulled regularly
constexpr uint64_t kSpinBarrier = 200'000;  // ns at a barrier before sleeping: a member has lost its core
constexpr uint64_t kAnswerWait = 2'000;     // ns the leader waits for workers that spin already
constexpr uint64_t kWakeWait = 20'000;      // the same for those that sleep between shifts, which takes 6 to 8 us
constexpr uint32_t kTurnPoll = 2'000'000;   // ns between two looks of a waiting caller at its stop signal
// While others wait, a caller whose pass has ended keeps its turn up to kTurn ns in all if it comes back within kKept: to hand
// over costs a sixth of a short pass. After one that did not come back nobody does for kNoKeeping.
constexpr uint64_t kTurn = 10'000'000, kKept = 200'000, kNoKeeping = 100'000'000;
constexpr uint64_t kLongWait = 300'000;  // ns in one step (and a quarter of it) that mean a lost core
// Beside a rival on a worker's core: ns of the workers' turns and rests (a thread that sleeps half of the time is not interrupted), and
// for how long that lasts after the first loss and after repeated ones.
constexpr uint64_t kShift = 700'000, kRest = 700'000, kRivalFirst = 10'000'000, kRivalMost = 320'000'000;

constexpr uint64_t kForget = 100'000'000;       // ns without a pass, after which what was learnt of rivals is out of date
constexpr uint64_t kLossesWithin = 30'000'000;  // ns between two long waits that mean a rival and not a hiccup

// Spins until `done` or `limit_ns` has passed. The clock is read every 64 pauses (about 2 to 9 us); `waited` counts from
// the first reading.
template <class Done>
bool spin_until(uint64_t limit_ns, Done done, uint64_t* waited = nullptr) noexcept {
  uint64_t begin = 0;
  for (uint32_t i = 0;; ++i) {
    if (done()) {
      if (waited && begin) *waited += now_ns() - begin;
      return true;
    }
    spin_pause();
    if ((i & 63) != 63) continue;
    const uint64_t now = now_ns();
    if (begin == 0) begin = now;
    if (now - begin < limit_ns) continue;
    if (waited) *waited += now - begin;
    return done();
  }
}

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

ThreadTeam::ThreadTeam() : process_(getpid()), rival_for_ns_(kRivalFirst) {}

ThreadTeam::~ThreadTeam() {
  quit_.store(true, std::memory_order_release);
  pass_.fetch_add(1, std::memory_order_seq_cst);
  for (auto& seat : seats_) ring(*seat);
  for (auto& seat : seats_) seat->thread.join();
}

void ThreadTeam::grow(int n_workers) {
  while (static_cast<int>(seats_.size()) < n_workers) {
    auto seat = std::make_unique<Seat>();
    Seat* place = seat.get();
    seats_.reserve(seats_.size() + 1);
    try {
      place->thread = Thread([this, place] { work(*place); });
    } catch (const base::Error& e) {
      base::log(
          base::LogLevel::warn, "rustml::threads",
          "thread team: only " + std::to_string(seats_.size() + 1) + " of " + std::to_string(n_workers + 1) + " threads: " + e.message());
      return;
    }
    seats_.push_back(std::move(seat));
  }
}

bool ThreadTeam::take_turn(StopSignal& stop) {
  Waiter self;
  {
    const std::lock_guard lock(mutex_);
    crowded_ = running_;
    if (!running_ || kept_for_ == &stop) {
      if (!running_) turn_begin_ns_ = now_ns();
      running_ = true;
      kept_for_ = nullptr;
      return true;
    }
    queue_.push_back(&self);
  }
  while (self.served.load(std::memory_order_acquire) == 0) {
    futex_wait_for(self.served, 0, kTurnPoll);
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

void ThreadTeam::end_turn(const StopSignal& stop) noexcept {
  const std::lock_guard lock(mutex_);
  const uint64_t now = now_ns();
  if (!queue_.empty() && now - turn_begin_ns_ < kTurn && now > no_keeping_until_ns_) {
    kept_for_ = &stop;
    kept_until_ns_ = now + kKept;
  } else {
    serve_next();
  }
}

// With the lock held.
void ThreadTeam::serve_next() noexcept {
  kept_for_ = nullptr;
  running_ = !queue_.empty();  // true: handed over
  if (!running_) return;
  Waiter& next = *queue_.front();
  queue_.pop_front();
  turn_begin_ns_ = now_ns();
  next.served.store(1, std::memory_order_release);
  futex_wake(next.served);
}

// After a store to what the seat's worker looks for (seq_cst on both sides, so one of the two sees the other).
void ThreadTeam::ring(Seat& seat) noexcept {
  if (seat.asleep.load(std::memory_order_seq_cst) == 0) return;
  seat.asleep.store(0, std::memory_order_seq_cst);
  futex_wake(seat.asleep);
}

ThreadTeam::PassReport ThreadTeam::run(int n_threads, int n_steps, const Step& step, StopSignal& stop, uint64_t gather_ns) {
  if (!take_turn(stop)) return {};
  struct Turn {
    ThreadTeam* team;
    const StopSignal* stop;
    ~Turn() { team->end_turn(*stop); }
  } turn{this, &stop};

  const DefaultFloatMode float_mode;
  const uint64_t start = now_ns();
  const bool coarse = gather_ns > 0;
  if (start - last_pass_end_ns_ > kForget) rival_for_ns_ = kRivalFirst;
  const auto beside_rival = [&](uint64_t now) { return !coarse && now < rival_until_ns_; };
  spin_ns_.store(start - last_pass_end_ns_ < kSpinBusy && !beside_rival(start) ? kSpinBusy : kSpinIdle, std::memory_order_relaxed);
  grow(std::min(n_threads, kMaxThreads) - 1);
  const int most_workers = std::min<int>(n_threads - 1, static_cast<int>(seats_.size()));
  int n_workers = 0;  // called
  step_ = &step;
  stop_ = &stop;
  leader_pieces_ = {};
  long_waits_ = 0;
  uint32_t pass = 0;
  const auto call = [&](bool rival) {
    pass = pass_.load(std::memory_order_relaxed) + 1;
    pass_.store(pass, std::memory_order_seq_cst);
    n_workers = most_workers;
    for (int i = 0; i < n_workers; ++i) {
      Seat& seat = *seats_[i];
      rival ? seat.placement.avoid_mine(seat.thread) : seat.placement.restore(seat.thread);
      ring(seat);
    }
  };

  const auto answered = [&](int i) { return seats_[i]->answered.load(std::memory_order_acquire) == pass; };
  const auto all_answered = [&] {
    for (int i = 0; i < n_workers; ++i)
      if (!answered(i)) return false;
    return true;
  };
  if (!beside_rival(start) || start >= rest_until_ns_) {
    call(beside_rival(start));
    if (n_workers > 0) spin_until(std::max(gather_ns, kAnswerWait), all_answered);
  }

  for (int s = 0; s < n_steps && !stop.poll(); ++s) {
    int members[kMaxThreads];
    int n = 0;
    const uint64_t step_start = now_ns();
    const bool rival = beside_rival(step_start), in_shift = shift_end_ns_ > rest_until_ns_;
    if (rival && n_workers > 0 && in_shift && step_start > shift_end_ns_) {
      n_workers = 0;
      rest_until_ns_ = step_start + kRest;
    }
    if (n_workers < most_workers && (!rival || step_start >= rest_until_ns_)) {
      call(rival);
      if (rival) spin_until(kWakeWait, all_answered);  // a step may be long
    }
    for (int i = 0; i < n_workers; ++i)
      if (answered(i)) members[n++] = i;
    if (rival && n > 0 && !in_shift) shift_end_ns_ = step_start + kShift;
    const uint64_t size = static_cast<uint64_t>(n) + 1;
    claims_.store(0, std::memory_order_relaxed);
    for (int r = 1; r <= n; ++r) {
      Seat& seat = *seats_[members[r - 1]];
      seat.command.store(uint64_t{pass} << 32 | static_cast<uint64_t>(s) << 16 | static_cast<uint64_t>(r) << 8 | (size - 1),
                         std::memory_order_seq_cst);
      ring(seat);
    }
    Member leader(*this, 0, static_cast<int>(size), stop, leader_pieces_);
    waited_ns_ = 0;
    step(s, leader);
    wait_for_arrivals(static_cast<uint32_t>(n));
    if (n > 0 && !coarse && !rival) judge_step(step_start);
  }

  // The call is over: workers that answer late find it so, and those that took part go back to waiting.
  PassReport report;
  if (stop.stopped()) {
    const uint64_t trigger = stop.triggered_ns();
    const auto after = [trigger](const PieceLog& p) { return static_cast<uint32_t>((p.last_ns > trigger) + (p.previous_ns > trigger)); };
    report.pieces_after_stop = after(leader_pieces_);
    for (int i = 0; i < n_workers; ++i)
      if (answered(i)) report.pieces_after_stop = std::max(report.pieces_after_stop, after(seats_[i]->pieces));
  }
  step_ = nullptr;
  stop_ = nullptr;
  last_pass_end_ns_ = now_ns();
  return report;
}

// Two steps in which the leader waited long: workers come in shifts for a while, four times as long each time; time without waiting
// takes that back.
void ThreadTeam::judge_step(uint64_t step_start) noexcept {
  const uint64_t now = now_ns();
  if (waited_ns_ > kLongWait && waited_ns_ > (now - step_start) / 4) {
    const uint64_t last = std::exchange(last_loss_ns_, now);
    if (now - last > kLossesWithin) return;                         // once is a hiccup of the system, and over
    const bool crowded = crowded_.load(std::memory_order_relaxed);  // it may be a caller of ours who took the core, for a moment
    if (crowded && long_waits_++ == 0) return;
    rival_until_ns_ = now + (crowded ? kRivalFirst : rival_for_ns_);
    if (!crowded) rival_for_ns_ = std::min(4 * rival_for_ns_, kRivalMost);
    last_loss_ns_ = rival_until_ns_;  // a rival that is still there then is known at its first
    shift_end_ns_ = 0, rest_until_ns_ = now;
  } else if (now - last_loss_ns_ > kLossesWithin) {
    rival_for_ns_ = kRivalFirst;
  }
}

void ThreadTeam::wait_for_arrivals(uint32_t n) noexcept {
  if (n == 0) return;
  const auto all = [&] { return finished_.load(std::memory_order_acquire) == n; };
  while (!spin_until(kSpinBarrier, all, &waited_ns_)) {
    const uint64_t begin = now_ns();
    barrier_sleepers_.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t seen = finished_.load(std::memory_order_seq_cst);
    if (seen != n) futex_wait(finished_, seen);
    barrier_sleepers_.fetch_sub(1, std::memory_order_relaxed);
    waited_ns_ += now_ns() - begin;
  }
  finished_.store(0, std::memory_order_relaxed);
}

void ThreadTeam::sync(int size, bool leader) noexcept {
  if (size == 1) return;
  const uint32_t epoch = epoch_.load(std::memory_order_acquire);
  if (arrivals_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(size)) {
    arrivals_.store(0, std::memory_order_relaxed);
    epoch_.store(epoch + 1, std::memory_order_seq_cst);
    if (barrier_sleepers_.load(std::memory_order_seq_cst) != 0) futex_wake(epoch_);
    return;
  }
  const auto released = [&] { return epoch_.load(std::memory_order_acquire) != epoch; };
  uint64_t waited = 0;
  while (!spin_until(kSpinBarrier, released, &waited)) {
    const uint64_t begin = now_ns();
    barrier_sleepers_.fetch_add(1, std::memory_order_seq_cst);
    if (!released()) futex_wait(epoch_, epoch);
    barrier_sleepers_.fetch_sub(1, std::memory_order_relaxed);
    waited += now_ns() - begin;
  }
  if (leader) waited_ns_ += waited;
}

// A worker: hears a pass's call, says so, then executes the steps it is given until another pass calls or nothing comes.
void ThreadTeam::work(Seat& seat) {
  const DefaultFloatMode float_mode;
  uint64_t done = 0;   // last command executed
  uint32_t heard = 0;  // last pass answered
  for (;;) {
    uint64_t command = done;
    const auto news = [&] {
      command = seat.command.load(std::memory_order_seq_cst);
      return command != done || pass_.load(std::memory_order_seq_cst) != heard;
    };
    if (!spin_until(spin_ns(), news)) {
      seat.asleep.store(1, std::memory_order_seq_cst);
      while (!news()) {
        futex_wait(seat.asleep, 1);
        seat.asleep.store(1, std::memory_order_seq_cst);
      }
      seat.asleep.store(0, std::memory_order_relaxed);
    }
    if (quit_.load(std::memory_order_acquire)) return;
    if (command != done) {
      const int rank = static_cast<int>(command >> 8 & 0xFF), size = static_cast<int>(command & 0xFF) + 1;
      Member member(*this, rank, size, *stop_, seat.pieces);
      (*step_)(static_cast<int>(command >> 16 & 0xFFFF), member);
      done = command;
      finished_.fetch_add(1, std::memory_order_seq_cst);
      if (barrier_sleepers_.load(std::memory_order_seq_cst) != 0) futex_wake(finished_);
      continue;
    }
    heard = pass_.load(std::memory_order_acquire);
    seat.pieces = {};
    seat.answered.store(heard, std::memory_order_release);
  }
}

void Member::sync() noexcept { team_.sync(size_, leader()); }

int64_t Member::claim(int64_t n, bool from_end) noexcept {
  constexpr int kBits = 24;
  constexpr uint64_t kCount = (1 << kBits) - 1;
  uint64_t seen = team_.claims_.load(std::memory_order_relaxed);
  for (;;) {
    const auto operation = static_cast<uint32_t>(seen >> 2 * kBits);
    const uint64_t given = operation == operation_ ? seen : uint64_t{operation_} << 2 * kBits;
    const auto first = static_cast<int64_t>(given & kCount), last = static_cast<int64_t>(given >> kBits & kCount);
    if (operation > operation_ || first + last >= n) break;  // one who has gone on found none left
    if (team_.claims_.compare_exchange_weak(seen, given + (from_end ? uint64_t{1} << kBits : 1), std::memory_order_relaxed))
      return from_end ? n - 1 - last : first;
  }
  ++operation_;
  return n;
}

bool Member::begin_piece() noexcept {
  if (stop_.poll()) return false;
  stop_.progress();
  pieces_.previous_ns = pieces_.last_ns;
  pieces_.last_ns = now_ns();
  return true;
}

}  // namespace rustml::runtime
