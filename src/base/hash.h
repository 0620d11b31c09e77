// XXH3 (xxHash 0.8): fingerprints and checksums. The only place that knows xxHash.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct XXH3_state_s;

namespace rustml::base {

struct Hash128 {
  uint64_t low, high;
  bool operator==(const Hash128&) const = default;
};

uint64_t hash64(const void* data, size_t n) noexcept;

class Hasher {  // streaming
 public:
  Hasher();
  void add(const void* data, size_t n) noexcept;
  void add(std::string_view text) noexcept;  // length, then bytes
  void add(uint64_t number) noexcept;        // 8 bytes, little-endian
  uint64_t finish64() const noexcept;
  Hash128 finish128() const noexcept;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const noexcept;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;  // serves both widths, which differ only in the last step
};

}  // namespace rustml::base
