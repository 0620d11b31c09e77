// Sleeping on a 32-bit word: futex_linux.cpp, futex_windows.cpp. The caller spins first; these are system calls.
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

}  // namespace rustml::runtime
