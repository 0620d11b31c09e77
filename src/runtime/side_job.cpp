#include "runtime/side_job.h"

#include <utility>

#include "base/error.h"

namespace rustml::runtime {

SideJob::SideJob(std::function<void()> work, bool alone) : work_(std::move(work)) {
  if (!alone) {
    try {
      thread_ = Thread([this] { run(); });
      return;
    } catch (const base::Error&) {  // no more threads: then here
    }
  }
  run();
}

SideJob::~SideJob() { thread_.join(); }

void SideJob::run() noexcept {
  try {
    work_();
  } catch (...) {
    failure_ = std::current_exception();
  }
  running_.store(false, std::memory_order_release);
}

void SideJob::finish() {
  thread_.join();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace rustml::runtime
