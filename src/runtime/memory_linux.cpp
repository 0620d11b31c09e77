#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "runtime/memory.h"

namespace rustml::runtime {

namespace {
constexpr uint64_t kHugePage = 2u << 20;
uint64_t page_size() {
  static const uint64_t size = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return size;
}
}  // namespace

Region::Region(uint64_t bytes, Pages pages) {
  if (bytes == 0) return;
  const uint64_t align = pages == Pages::huge ? kHugePage : page_size();
  if (bytes > UINT64_MAX / 2)
    base::fail(base::Status::resource_exhausted, "memory: " + std::to_string(bytes) + " bytes cannot be reserved");
  const uint64_t want = (bytes + align - 1) / align * align;
  const uint64_t reserve = want + (align > page_size() ? align : 0);
  void* p = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    base::fail(base::Status::resource_exhausted,
               "memory: the system refused " + std::to_string(reserve) +
                   " bytes; close other programs, choose a smaller context or raise the address-space limit");
  const auto start = reinterpret_cast<uint64_t>(p), aligned = (start + align - 1) / align * align;
  if (aligned > start) munmap(p, aligned - start);
  const uint64_t tail = start + reserve - (aligned + want);
  if (tail > 0) munmap(reinterpret_cast<void*>(aligned + want), tail);
  data_ = reinterpret_cast<std::byte*>(aligned);
  bytes_ = want;
#ifdef MADV_HUGEPAGE  // normal: sparse ranges (a KV cache) would else take 2 MiB at each first touch
  madvise(data_, bytes_, pages == Pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
}

Region::~Region() {
  if (data_) munmap(data_, bytes_);
}

void Region::discard(uint64_t offset, uint64_t bytes) noexcept {
  const uint64_t begin = (offset + page_size() - 1) / page_size() * page_size();
  const uint64_t end = (offset + bytes) / page_size() * page_size();
  if (begin < end && end <= bytes_) madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

}  // namespace rustml::runtime
