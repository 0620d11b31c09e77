#include "base/hash.h"

#include <xxhash.h>

#include <bit>
#include <new>

namespace rustml::base {

static_assert(std::endian::native == std::endian::little, "add(uint64_t) hashes the number's bytes as they lie in memory");

uint64_t hash64(const void* data, size_t n) noexcept { return XXH3_64bits(data, n); }

void Hasher::Free::operator()(XXH3_state_s* state) const noexcept { XXH3_freeState(state); }

Hasher::Hasher() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}

void Hasher::add(const void* data, size_t n) noexcept { XXH3_128bits_update(state_.get(), data, n); }

void Hasher::add(std::string_view text) noexcept {
  add(static_cast<uint64_t>(text.size()));
  add(text.data(), text.size());
}

void Hasher::add(uint64_t number) noexcept { add(&number, sizeof number); }

uint64_t Hasher::finish64() const noexcept { return XXH3_64bits_digest(state_.get()); }

Hash128 Hasher::finish128() const noexcept {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
  return {hash.low64, hash.high64};
}

}  // namespace rustml::base
