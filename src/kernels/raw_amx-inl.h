// The instructions of AMX's tile unit. In assembly: gcc 12's intrinsics do not say what memory they touch.
#pragma once
#include "kernels/raw-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

// config: 64 bytes, the rows of every tile and their bytes.
template <class Config>
RUSTML_INLINE void configure_tiles(const Config& config) {
  static_assert(sizeof config == 64);
  __asm__ volatile("ldtilecfg %0" : : "m"(config) : "memory");
}
RUSTML_INLINE void release_tiles() { __asm__ volatile("tilerelease" : : : "memory"); }

// Two tiles, rows `stride` bytes apart.
template <int a, int b>
RUSTML_INLINE void load_tiles(const void* from_a, int64_t stride_a, const void* from_b, int64_t stride_b) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c4\n\ttileloadd (%2,%3,1), %%tmm%c5"
                   :
                   : "r"(from_a), "r"(stride_a), "r"(from_b), "r"(stride_b), "i"(a), "i"(b)
                   : "memory");
}
// sums = a * b, of signed bytes: a [rows][4 k], b [k][columns][4].
template <int sums, int a, int b>
RUSTML_INLINE void multiply_tiles() {
  __asm__ volatile("tilezero %%tmm%c0\n\ttdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(a), "i"(b));
}
template <int tile, class Rows>
RUSTML_INLINE void store_tile(Rows& to, int64_t stride) {
  __asm__ volatile("tilestored %%tmm%c1, (%2,%3,1)" : "+m"(to) : "i"(tile), "r"(&to), "r"(stride));
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
