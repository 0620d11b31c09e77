// Futexes on Linux, std::atomic's own waiting elsewhere.
#include "runtime/futex.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#else
#include <chrono>
#include <thread>
#endif

namespace rustml::runtime {

#if defined(__linux__)

void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) noexcept {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wait_for(std::atomic<uint32_t>& word, uint32_t seen, uint32_t limit_ns) noexcept {
  const timespec limit{0, limit_ns};
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, &limit, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word) noexcept {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

#else

void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) noexcept { word.wait(seen, std::memory_order_acquire); }

void futex_wait_for(std::atomic<uint32_t>& word, uint32_t seen, uint32_t limit_ns) noexcept {
  if (word.load(std::memory_order_acquire) == seen) std::this_thread::sleep_for(std::chrono::nanoseconds(limit_ns));
}

void futex_wake(std::atomic<uint32_t>& word) noexcept { word.notify_all(); }

#endif

}  // namespace rustml::runtime
