#include "runtime/member.h"

namespace rustml::runtime {

void Member::sync() noexcept {
  const uint64_t waited = step_.barrier.meet(size_);
  if (leader()) step_.leader_waited_ns += waited;
}

int64_t Member::claim(int64_t n, bool from_end) noexcept {
  constexpr int kBits = 24;
  constexpr uint64_t kCount = (1 << kBits) - 1;
  uint64_t seen = step_.claims.load(std::memory_order_relaxed);
  for (;;) {
    const auto operation = static_cast<uint32_t>(seen >> 2 * kBits);
    const uint64_t given = operation == operation_ ? seen : uint64_t{operation_} << 2 * kBits;
    const auto first = static_cast<int64_t>(given & kCount), last = static_cast<int64_t>(given >> kBits & kCount);
    if (operation > operation_ || first + last >= n) break;  // one who has gone on found none left
    if (step_.claims.compare_exchange_weak(seen, given + (from_end ? uint64_t{1} << kBits : 1), std::memory_order_relaxed))
      return from_end ? n - 1 - last : first;
  }
  ++operation_;
  return n;
}

bool Member::begin_piece() noexcept {
  if (stop_.poll()) return false;
  stop_.progress();
  pieces_.previous_ns = pieces_.last_ns;
  pieces_.last_ns = now_ns();
  return true;
}

}  // namespace rustml::runtime
