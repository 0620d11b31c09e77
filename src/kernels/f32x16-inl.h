// Sixteen float lanes, the unit of every kernel on every target: one 512-bit, two 256-bit or four 128-bit xsimd batches.
// xsimd is used through this file only (construction, arithmetic, comparison, select: alike in all its versions), always
// with the architecture given, never its default. What xsimd 8.1 lacks or does otherwise is in raw_<isa>-inl.h: int8 dot products,
// f16, fma (rounds twice on AVX-512) and division (an estimate on NEON).
//
// Everything is in an unnamed namespace and forced inline.
#pragma once
#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "kernels/target.h"

#ifndef RUSTML_CALLS
#define RUSTML_INLINE inline __attribute__((always_inline))
#define RUSTML_LAMBDA __attribute__((always_inline))
#else  // sanitizer builds: checks of code that is inlined so often take many minutes to compile
#define RUSTML_INLINE inline
#define RUSTML_LAMBDA
#endif
// Has the integer sum x (in a register of `kind`) worked out where it is written. gcc otherwise adds in another order, at the end,
// with all the products on the stack until then.
#define RUSTML_IN_ORDER(kind, x) __asm__("" : "+" kind(x))

namespace rustml::kernels::RUSTML_TARGET {
namespace {

using Batch = xsimd::batch<float, RUSTML_XSIMD_ARCH>;
constexpr int kLanes = 16;
constexpr int kPartLanes = static_cast<int>(Batch::size);
constexpr int kParts = kLanes / kPartLanes;

template <int i>
struct Index {
  static constexpr int value = i;
};

// Before a loop of a constant number of rounds: as many copies of its body, so that arrays indexed by its variable live in registers.
#if defined(__clang__)
#define RUSTML_UNROLL _Pragma("unroll")
#else
#define RUSTML_UNROLL _Pragma("GCC unroll 16")
#endif

// The same where the number must be a constant: f(Index<0>), .., f(Index<n - 1>), so that arrays indexed by it live in registers. Written
// out: a pack would take one more level of functions to inline, which is a sixth of the time that a target takes to compile.
template <int n, class F>
RUSTML_INLINE void unroll(F f) {
  static_assert(n <= 16);
  if constexpr (n > 0) f(Index<0>{});
  if constexpr (n > 1) f(Index<1>{});
  if constexpr (n > 2) f(Index<2>{});
  if constexpr (n > 3) f(Index<3>{});
  if constexpr (n > 4) f(Index<4>{});
  if constexpr (n > 5) f(Index<5>{});
  if constexpr (n > 6) f(Index<6>{});
  if constexpr (n > 7) f(Index<7>{});
  if constexpr (n > 8) f(Index<8>{});
  if constexpr (n > 9) f(Index<9>{});
  if constexpr (n > 10) f(Index<10>{});
  if constexpr (n > 11) f(Index<11>{});
  if constexpr (n > 12) f(Index<12>{});
  if constexpr (n > 13) f(Index<13>{});
  if constexpr (n > 14) f(Index<14>{});
  if constexpr (n > 15) f(Index<15>{});
}

constexpr int kLineBytes = 64;

// An address to fetch from. It may lie outside of the array at p, where p + bytes would be undefined.
RUSTML_INLINE const std::byte* address(const void* p, int64_t bytes) {
  return reinterpret_cast<const std::byte*>(reinterpret_cast<uintptr_t>(p) + static_cast<uintptr_t>(bytes));
}

template <int lines>
RUSTML_INLINE void prefetch(const std::byte* p) {
  unroll<lines>([&](auto line) RUSTML_LAMBDA { __builtin_prefetch(address(p, kLineBytes * line.value)); });
}

RUSTML_INLINE void prefetch_range(const std::byte* p, int64_t bytes) {
  for (const std::byte* end = address(p, bytes); p < end; p = address(p, kLineBytes)) __builtin_prefetch(p);
}

struct F32x16 {
  Batch v[kParts];
};

#define RUSTML_EACH_PART(expression)            \
  F32x16 r;                                     \
  unroll<kParts>([&](auto part) RUSTML_LAMBDA { \
    constexpr int i = part.value;               \
    r.v[i] = (expression);                      \
  });                                           \
  return r

RUSTML_INLINE F32x16 set1(float x) { RUSTML_EACH_PART(Batch(x)); }
RUSTML_INLINE F32x16 zero() { return set1(0.0f); }
RUSTML_INLINE F32x16 load(const float* p) { RUSTML_EACH_PART(Batch::load_unaligned(p + i * kPartLanes)); }
RUSTML_INLINE void store(float* p, F32x16 x) {
  unroll<kParts>([&](auto i) RUSTML_LAMBDA { x.v[i.value].store_unaligned(p + i.value * kPartLanes); });
}
RUSTML_INLINE F32x16 operator+(F32x16 a, F32x16 b) { RUSTML_EACH_PART(a.v[i] + b.v[i]); }
RUSTML_INLINE F32x16 operator-(F32x16 a, F32x16 b) { RUSTML_EACH_PART(a.v[i] - b.v[i]); }
RUSTML_INLINE F32x16 operator*(F32x16 a, F32x16 b) { RUSTML_EACH_PART(a.v[i] * b.v[i]); }
RUSTML_INLINE F32x16 negated(F32x16 a) { return a * set1(-1.0f); }  // also of zero, unlike 0 - a
// Division rounds once; xsimd's approximates on NEON.
// larger: where x > y, then x else y: a NaN in x gives y, in y stays. One instruction of x86 does just that.
#if defined(__x86_64__)
RUSTML_INLINE F32x16 operator/(F32x16 a, F32x16 b) { RUSTML_EACH_PART(a.v[i] / b.v[i]); }
RUSTML_INLINE F32x16 larger(F32x16 x, F32x16 y) { RUSTML_EACH_PART(xsimd::max(x.v[i], y.v[i])); }
RUSTML_INLINE F32x16 smaller(F32x16 x, F32x16 y) { RUSTML_EACH_PART(xsimd::min(x.v[i], y.v[i])); }
#else
RUSTML_INLINE F32x16 operator/(F32x16 a, F32x16 b) { RUSTML_EACH_PART(Batch(vdivq_f32(a.v[i], b.v[i]))); }
RUSTML_INLINE F32x16 larger(F32x16 x, F32x16 y) { RUSTML_EACH_PART(xsimd::select(x.v[i] > y.v[i], x.v[i], y.v[i])); }
RUSTML_INLINE F32x16 smaller(F32x16 x, F32x16 y) { RUSTML_EACH_PART(xsimd::select(x.v[i] < y.v[i], x.v[i], y.v[i])); }
#endif
// Where x < y, then a else b.
RUSTML_INLINE F32x16 where_less(F32x16 x, F32x16 y, F32x16 a, F32x16 b) {
  RUSTML_EACH_PART(xsimd::select(x.v[i] < y.v[i], a.v[i], b.v[i]));
}
RUSTML_INLINE bool any_equal(F32x16 a, F32x16 b) {
  bool any = false;
  unroll<kParts>([&](auto i) RUSTML_LAMBDA { any = xsimd::any(a.v[i.value] == b.v[i.value]) || any; });
  return any;
}

#undef RUSTML_EACH_PART

// The first n lanes, 0 <= n <= 16; no byte beyond them is touched. Absent lanes are `fill`.
RUSTML_INLINE F32x16 load_first(const float* p, int64_t n, float fill = 0.0f) {
  if (n == kLanes) return load(p);
  float lanes[kLanes];
  for (float& lane : lanes) lane = fill;
  __builtin_memcpy(lanes, p, static_cast<size_t>(n) * sizeof(float));
  return load(lanes);
}
RUSTML_INLINE void store_first(float* p, F32x16 x, int64_t n) {
  if (n == kLanes) return store(p, x);
  float lanes[kLanes];
  store(lanes, x);
  __builtin_memcpy(p, lanes, static_cast<size_t>(n) * sizeof(float));
}

// How many of the 16 lanes from i on are among n.
RUSTML_INLINE int64_t lanes_at(int64_t i, int64_t n) { return n - i < kLanes ? n - i : kLanes; }

// y[i] = value(i, lanes): the loop of all elementwise kernels.
template <class F>
RUSTML_INLINE void each(int64_t n, float* y, F value) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, value(i, int64_t{kLanes}));
  if (i < n) store_first(y + i, value(i, n - i), n - i);
}

// Lanes from n on become 0.
RUSTML_INLINE F32x16 first_lanes(F32x16 x, int64_t n) {
  float lanes[kLanes];
  store(lanes, x);
  for (int64_t l = n; l < kLanes; ++l) lanes[l] = 0.0f;
  return load(lanes);
}

// f of the halves, again and again: the reduction tree of kernels.h.
template <class F>
RUSTML_INLINE float reduce(F32x16 x, F f) {
  using Four = float __attribute__((vector_size(16)));  // a register of every target
  float lanes[kLanes];
  store(lanes, x);
  Four q[4];
  __builtin_memcpy(q, lanes, sizeof lanes);
  const Four four = f(f(q[0], q[2]), f(q[1], q[3])), two = f(four, __builtin_shufflevector(four, four, 2, 3, 2, 3));
  return f(two, __builtin_shufflevector(two, two, 1, 1, 1, 1))[0];
}
RUSTML_INLINE float sum_lanes(F32x16 x) {
  return reduce(x, [](auto a, auto b) RUSTML_LAMBDA { return a + b; });
}
// None of them NaN.
RUSTML_INLINE float max_lane(F32x16 x) {
  return reduce(x, [](auto a, auto b) RUSTML_LAMBDA { return a > b ? a : b; });
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
