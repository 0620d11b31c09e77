// Big memory: page-aligned regions from the system, and the accounting that limits are enforced by.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace rustml::runtime {

// A reserved range, zero on first touch; pages cost memory only once written. Movable.
class Region {
 public:
  enum class Pages { normal, huge };  // huge: 2 MiB aligned, transparent huge pages asked for
  Region() = default;
  Region(uint64_t bytes, Pages pages);  // resource_exhausted
  ~Region();
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  std::byte* data() const noexcept { return data_; }
  uint64_t size() const noexcept { return bytes_; }
  // Gives the pages that lie wholly inside back to the system; they read as zeros afterwards.
  void discard(uint64_t offset, uint64_t bytes) noexcept;

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

// What a model and its sessions have taken, against a limit. Thread-safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit_bytes) noexcept : limit_(limit_bytes) {}
  // resource_exhausted, naming `what` and the numbers, before anything is counted.
  void charge(uint64_t bytes, const char* what);
  void release(uint64_t bytes) noexcept { now_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t now() const noexcept { return now_.load(std::memory_order_relaxed); }
  uint64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;  // 0: none
  std::atomic<uint64_t> now_{0}, peak_{0};
};

// Bytes counted in a budget for as long as this lives.
class Charge {
 public:
  Charge() = default;
  Charge(std::shared_ptr<MemoryBudget> budget, uint64_t bytes, const char* what) : budget_(std::move(budget)) { grow(bytes, what); }
  Charge(Charge&& other) noexcept : budget_(std::move(other.budget_)), bytes_(other.bytes_) { other.bytes_ = 0; }
  Charge& operator=(Charge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Charge() {
    if (budget_) budget_->release(bytes_);
  }
  void grow(uint64_t bytes, const char* what) {
    budget_->charge(bytes, what);
    bytes_ += bytes;
  }
  void shrink(uint64_t bytes) noexcept {
    budget_->release(bytes);
    bytes_ -= bytes;
  }
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  uint64_t bytes_ = 0;
};

}  // namespace rustml::runtime
