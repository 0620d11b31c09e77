#include "base/windows.h"
#include "runtime/futex.h"

namespace rustml::runtime {

void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) noexcept { WaitOnAddress(&word, &seen, sizeof seen, INFINITE); }

void futex_wait_for(std::atomic<uint32_t>& word, uint32_t seen, uint32_t limit_ns) noexcept {
  WaitOnAddress(&word, &seen, sizeof seen, (limit_ns + 999'999) / 1'000'000);
}

void futex_wake(std::atomic<uint32_t>& word) noexcept { WakeByAddressAll(&word); }

}  // namespace rustml::runtime
