#include "base/windows.h"
#include "runtime/memory.h"

namespace rustml::runtime {

namespace {
constexpr uint64_t kPage = 4096, kHugePage = 2u << 20;
}

// Committed as a whole, because a touch of memory that is only reserved is a fault here: it counts against the system's limit
// (memory and page files) at once, and takes memory on first touch. Pages of 2 MiB need a privilege that few have.
Region::Region(uint64_t bytes, Pages pages) {
  if (bytes == 0) return;
  const uint64_t align = pages == Pages::huge ? kHugePage : kPage;
  if (bytes > UINT64_MAX / 2)
    base::fail(base::Status::resource_exhausted, "memory: " + std::to_string(bytes) + " bytes cannot be reserved");
  const uint64_t want = (bytes + align - 1) / align * align;
  const auto reserved = reinterpret_cast<uint64_t>(VirtualAlloc(nullptr, want + align, MEM_RESERVE, PAGE_READWRITE));
  const uint64_t aligned = (reserved + align - 1) / align * align;
  if (reserved == 0 || !VirtualAlloc(reinterpret_cast<void*>(aligned), want, MEM_COMMIT, PAGE_READWRITE)) {
    const DWORD code = GetLastError();
    if (reserved != 0) VirtualFree(reinterpret_cast<void*>(reserved), 0, MEM_RELEASE);
    base::fail(base::Status::resource_exhausted, "memory: the system refused " + std::to_string(want) +
                                                     " bytes: " + base::windows_message(code) +
                                                     "; close other programs, choose a smaller context or allow a larger page file");
  }
  data_ = reinterpret_cast<std::byte*>(aligned);
  bytes_ = want;
}

Region::~Region() {
  MEMORY_BASIC_INFORMATION of;
  if (data_ && VirtualQuery(data_, &of, sizeof of) != 0) VirtualFree(of.AllocationBase, 0, MEM_RELEASE);
}

void Region::discard(uint64_t offset, uint64_t bytes) noexcept {
  const uint64_t begin = (offset + kPage - 1) / kPage * kPage;
  const uint64_t end = (offset + bytes) / kPage * kPage;
  if (begin >= end || end > bytes_) return;
  VirtualFree(data_ + begin, end - begin, MEM_DECOMMIT);
  // Refused only if another program has taken what was given back just now and nothing else is left: then until there is.
  while (!VirtualAlloc(data_ + begin, end - begin, MEM_COMMIT, PAGE_READWRITE)) Sleep(1);
}

}  // namespace rustml::runtime
