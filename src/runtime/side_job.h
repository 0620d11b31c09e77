// One piece of work beside what the caller does: on a thread of its own, or at once on the caller's where there is none.
#pragma once
#include <atomic>
#include <exception>
#include <functional>

#include "runtime/thread.h"

namespace rustml::runtime {

class SideJob {
 public:
  // alone: on the calling thread, before the constructor returns.
  SideJob(std::function<void()> work, bool alone);
  ~SideJob();  // waits
  SideJob(const SideJob&) = delete;
  SideJob& operator=(const SideJob&) = delete;

  bool running() const noexcept { return running_.load(std::memory_order_acquire); }
  void finish();  // waits; rethrows what the work threw

 private:
  void run() noexcept;

  std::function<void()> work_;
  std::exception_ptr failure_;
  std::atomic<bool> running_{true};
  Thread thread_;
};

}  // namespace rustml::runtime
