#include "runtime/jobs.h"

#ifdef __linux__
#include <dlfcn.h>
#endif
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "base/log.h"

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

// oneTBB's first use asks for memory to count the processors. If it gets none, every later use in the process waits for ever
// (2021.8: a flag stays at "pending"); and it loads libtbbmalloc, where glibc's dlopen may crash without memory. So all of that
// happens here, behind a trial of memory whose lack is reported, and the next call tries again. If counting fails all the same,
// oneTBB is not touched again.
constexpr size_t kFirstUseBytes = 1 << 20;

bool start_tbb() {
  ::operator delete(::operator new(kFirstUseBytes));
  try {
    tbb::info::default_concurrency();
  } catch (...) {
    return false;
  }
  tbb::task_arena(1, 1).initialize();
  return true;
}

// Loaded by dlmopen. There oneTBB loads libtbbmalloc "for all" (RTLD_GLOBAL), at which glibc dies (2.36: the namespace has no such list).
bool in_own_namespace() noexcept {
#ifdef __GLIBC__
  static const char here = 0;
  Dl_info info;
  void* map = nullptr;
  Lmid_t id = LM_ID_BASE;
  return dladdr1(&here, &info, &map, RTLD_DL_LINKMAP) != 0 && map != nullptr && dlinfo(map, RTLD_DI_LMID, &id) == 0 && id != LM_ID_BASE;
#else
  return false;
#endif
}

bool tbb_works() {
  if (in_own_namespace()) return false;
  static const bool works = start_tbb();  // what it throws lets the next call try again
  if (!works) base::log(base::LogLevel::warn, "rustml::threads", "jobs are divided without oneTBB: it lacked memory when it began");
  return works;
}

template <class Job>
void run_in_arena(ThreadTeam& team, int slots, int64_t count, StopSignal& stop, FirstFailure& failure, const Job& job) {
  // All slots are reserved for our own threads, so TBB creates none: members enter by execute and wait in the group.
  tbb::task_arena arena(slots, static_cast<unsigned>(slots));
  arena.initialize();  // here and once: after a failure any other use of this arena would wait for ever
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
}
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
  const int slots = static_cast<int>(std::min<int64_t>(n_threads, count));
  if (tbb_works()) {
    run_in_arena(team, slots, count, stop, failure, job);
  } else {
    std::atomic<int64_t> next{0};
    const auto work = [&](int, Member&) {
      for (int64_t i; (i = next.fetch_add(1)) < count;) job(i);
    };
    team.run(slots, 1, work, stop, kGather);
  }
  if (stop.stopped()) stop.raise(subject);
  failure.rethrow();
}

}  // namespace rustml::runtime
