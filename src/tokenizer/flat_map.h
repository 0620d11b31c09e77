// 64-bit keys to small values, open addressing, filled once to a size known before. Half full at most.
// The files are untrusted: keys chosen to collide are refused instead of making every probe long.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"

namespace rustml::tokenizer {

template <class Value>
class FlatMap {
 public:
  explicit FlatMap(size_t n_keys = 0)
      : slots_(std::bit_ceil(2 * n_keys + 2), Slot{kEmpty, {}}), shift_(64 - std::countr_zero(slots_.size())) {}

  // The key's value, value-initialized if it is new. At most n_keys different keys; a key is never ~0.
  Value& operator[](uint64_t key) {
    size_t i = first(key);
    for (size_t probes = 0; slots_[i].key != key; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].key == kEmpty) {
        slots_[i].key = key;
        break;
      }
      if (++probes > kLongestProbe) base::fail(base::Status::data_loss, "vocabulary: ids or merges are built to collide");
    }
    return slots_[i].value;
  }

  const Value* find(uint64_t key) const noexcept {
    for (size_t i = first(key);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].key == key) return &slots_[i].value;
      if (slots_[i].key == kEmpty) return nullptr;
    }
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr size_t kLongestProbe = 512;  // honest tables stay below 60
  struct Slot {
    uint64_t key;
    Value value;
  };
  size_t first(uint64_t key) const noexcept {
    key ^= key >> 32;  // both halves reach the high bits of the product
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
  }

  std::vector<Slot> slots_;
  int shift_;
};

}  // namespace rustml::tokenizer
