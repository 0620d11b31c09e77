// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a random number is
// a pure function of (seed, position), so there is no generator state to save, restore or rewind.
#pragma once
#include <array>
#include <cstdint>

namespace rustml::generation {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) noexcept;

// Uniform in [0, 1), a multiple of 2^-53. `position`: index in the session of the token that it decides.
double uniform(uint64_t seed, uint64_t position) noexcept;

}  // namespace rustml::generation
