#include "runtime/jobs.h"

#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace rustml::runtime {

namespace {
constexpr uint64_t kGather = 2'000'000;  // ns: jobs are long, so all workers are worth waiting for

// The first failure of any job; later jobs see it and do not begin.
class FirstFailure {
 public:
  void set(std::exception_ptr e) noexcept {
    const std::lock_guard lock(mutex_);
    if (!first_) first_ = std::move(e);
    failed_.store(true, std::memory_order_release);
  }
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  void rethrow() {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
  std::atomic<bool> failed_{false};
};
}  // namespace

void run_jobs(ThreadTeam& team, int n_threads, int64_t count, StopSignal& stop, const char* subject,
              const std::function<void(int64_t)>& body) {
  if (count == 0) return;
  FirstFailure failure;
  const auto job = [&](int64_t i) noexcept {
    if (failure.failed() || stop.poll()) return;
    try {
      body(i);
    } catch (...) {
      failure.set(std::current_exception());
    }
  };
  // All slots are reserved for our own threads, so TBB creates none: members enter by execute and wait in the group.
  const int slots = static_cast<int>(std::min<int64_t>(n_threads, count));
  tbb::task_arena arena(slots, static_cast<unsigned>(slots));
  tbb::task_group group;
  const auto guarded = [&](auto&& work) noexcept {
    try {
      arena.execute(work);
    } catch (...) {
      failure.set(std::current_exception());
    }
  };
  team.run(
      slots, 1,
      [&](int, Member& member) {
        if (member.leader())
          guarded([&] {
            for (int64_t i = 0; i < count; ++i) group.run([&job, i] { job(i); });
          });
        member.sync();
        guarded([&] { group.wait(); });
      },
      stop, kGather);
  if (stop.stopped()) stop.raise(subject);
  failure.rethrow();
}

}  // namespace rustml::runtime
