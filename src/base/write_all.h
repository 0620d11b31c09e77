// Bytes to a POSIX file descriptor, all of them or the reason why not. A limit of the process (RLIMIT_FSIZE) is a reason like a
// full disk, not the end of the process: its signal does not arrive.
#pragma once
#include <cstdint>

namespace rustml::base {

constexpr int64_t kAtPosition = -1;

// At `offset`, or where the descriptor stands. 0, or an errno.
int write_all(int fd, const void* data, uint64_t n, int64_t offset = kAtPosition) noexcept;

}  // namespace rustml::base
