// Sleeping on a 32-bit word: futex_posix.cpp, futex_windows.cpp. The caller spins first; these are system calls.
#pragma once
#include <atomic>
#include <cstdint>

namespace rustml::runtime {

// Returns when the word is no longer `seen`, or spuriously.
void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) noexcept;
// The same, and after about `limit_ns` (below a second) in any case.
void futex_wait_for(std::atomic<uint32_t>& word, uint32_t seen, uint32_t limit_ns) noexcept;
// The word may be gone already: its waiter saw the change before the call.
void futex_wake(std::atomic<uint32_t>& word) noexcept;

inline void spin_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace rustml::runtime
