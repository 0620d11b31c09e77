#include "runtime/side_job.h"

#include <system_error>
#include <utility>

#include "runtime/thread_signals.h"

namespace rustml::runtime {

SideJob::SideJob(std::function<void()> work, bool alone) : work_(std::move(work)) {
  if (!alone) {
    const BlockedSignals blocked;
    try {
      thread_ = std::thread([this] { run(); });
      return;
    } catch (const std::system_error&) {  // no more threads: then here
    }
  }
  run();
}

SideJob::~SideJob() {
  if (thread_.joinable()) thread_.join();
}

void SideJob::run() noexcept {
  try {
    work_();
  } catch (...) {
    failure_ = std::current_exception();
  }
  running_.store(false, std::memory_order_release);
}

void SideJob::finish() {
  if (thread_.joinable()) thread_.join();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace rustml::runtime
