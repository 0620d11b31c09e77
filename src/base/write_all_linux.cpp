#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/held_signal.h"
#include "base/write_all.h"

namespace rustml::base {

int write_all(int fd, const void* data, uint64_t n, int64_t offset) noexcept {
  constexpr uint64_t kMaxWrite = 1u << 30;  // the system takes at most 2 GiB at once
  const HeldSignal held(SIGXFSZ);
  const auto* bytes = static_cast<const char*>(data);
  while (n > 0) {
    const auto piece = static_cast<size_t>(std::min(n, kMaxWrite));
    const ssize_t done = offset == kAtPosition ? ::write(fd, bytes, piece) : ::pwrite(fd, bytes, piece, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    if (done == 0) return ENOSPC;  // nothing was taken and nothing is said: asking again might never end
    bytes += done;
    n -= static_cast<uint64_t>(done);
    if (offset != kAtPosition) offset += done;
  }
  return 0;
}

}  // namespace rustml::base
