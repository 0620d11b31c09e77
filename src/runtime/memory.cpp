#include "runtime/memory.h"

#include <utility>

#include "base/error.h"

namespace rustml::runtime {

Region::Region(Region&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Region& Region::operator=(Region&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void MemoryBudget::charge(uint64_t bytes, const char* what) {
  uint64_t now = now_.load(std::memory_order_relaxed);
  do {
    if (limit_ != 0 && (now > limit_ || bytes > limit_ - now))
      base::fail(base::Status::resource_exhausted, std::string(what) + ": " + std::to_string(bytes) + " bytes more than the " +
                                                       std::to_string(now) + " in use exceed the memory limit of " +
                                                       std::to_string(limit_) + " bytes");
  } while (!now_.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
  now += bytes;
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < now && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace rustml::runtime
