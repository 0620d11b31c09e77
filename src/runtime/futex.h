// Sleeping on a 32-bit word: futex on Linux, std::atomic wait elsewhere. The caller spins first; these are system calls.
#pragma once
#include <atomic>
#include <cstdint>

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

// Returns when the word is no longer `seen`, or spuriously.
inline void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) noexcept {
#if defined(__linux__)
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
  word.wait(seen, std::memory_order_acquire);
#endif
}

// The same, and after about `limit_ns` in any case.
inline void futex_wait_for(std::atomic<uint32_t>& word, uint32_t seen, uint32_t limit_ns) noexcept {
#if defined(__linux__)
  const timespec limit{0, limit_ns};
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, &limit, nullptr, 0);
#else
  if (word.load(std::memory_order_acquire) == seen) std::this_thread::sleep_for(std::chrono::nanoseconds(limit_ns));
#endif
}

// The word may be gone already: its waiter saw the change before the call.
inline void futex_wake(std::atomic<uint32_t>& word) noexcept {
#if defined(__linux__)
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
#else
  word.notify_all();
#endif
}

inline void spin_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace rustml::runtime
