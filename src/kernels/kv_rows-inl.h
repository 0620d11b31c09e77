// Rows of the cache (layouts in kernels.h): 16 elements as floats, and one position of one head, rounded to the cache's type.
#pragma once
#include <type_traits>

#include "kernels/quantize-inl.h"
#include "kernels/table-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

template <KvType type>
using Element = std::conditional_t<type == KvType::f32, float, std::conditional_t<type == KvType::f16, uint16_t, int8_t>>;

template <KvType type>
RUSTML_INLINE F32x16 load_cached(const Element<type>* p) {
  if constexpr (type == KvType::f32)
    return load(p);
  else if constexpr (type == KvType::f16)
    return load_f16(p);
  else
    return load_i8(p);
}
template <KvType type>
RUSTML_INLINE F32x16 load_cached_first(const Element<type>* p, int64_t n) {
  Element<type> lanes[kLanes] = {};
  __builtin_memcpy(lanes, p, static_cast<size_t>(n) * sizeof(Element<type>));
  return load_cached<type>(lanes);
}

// x rounded to the cache's type, given to write(d, elements, n) 16 at a time.
template <KvType type, class Write>
RUSTML_INLINE void round_row(const float* x, int64_t head_dim, float* scale_out, Write write) {
  float factor = 0;
  bool any = false;
  if constexpr (type == KvType::q8_0) {
    int32_t bits = 0;
    for (int64_t d = 0; d < head_dim; d += kLanes) {
      const F32x16 v = load_first(x + d, lanes_at(d, head_dim));
      const int32_t b = largest_magnitude_bits(v, v);
      bits = b > bits ? b : bits;
    }
    any = quantize_scale(bits, scale_out, &factor);
  }
  const auto round = [&](int64_t d, int64_t n) RUSTML_LAMBDA {
    Element<type> elements[kLanes] = {};
    const F32x16 v = load_first(x + d, n);
    if constexpr (type == KvType::f32) store(elements, v);
    if constexpr (type == KvType::f16) store_f16(elements, v);
    if constexpr (type == KvType::q8_0) {
      if (any) store_rounded_i8(elements, v * set1(factor));
    }
    write(d, elements, n);
  };
  int64_t d = 0;
  for (; d + kLanes <= head_dim; d += kLanes) round(d, int64_t{kLanes});  // copies of a constant size are no calls
  if (d < head_dim) round(d, head_dim - d);
}

template <KvType type>
void store_k_as(const float* x, int64_t head_dim, void* k_block, float* k_scale, int64_t index) {
  Element<type>* lane = static_cast<Element<type>*>(k_block) + index / kLanes * head_dim * kLanes + index % kLanes;
  round_row<type>(x, head_dim, type == KvType::q8_0 ? k_scale + index : nullptr,
                  [&](int64_t d, const Element<type>* elements, int64_t n) RUSTML_LAMBDA {
                    for (int64_t i = 0; i < n; ++i) lane[(d + i) * kLanes] = elements[i];
                  });
}

template <KvType type>
void store_v_as(const float* x, int64_t head_dim, void* v_block, float* v_scale, int64_t index) {
  Element<type>* row = static_cast<Element<type>*>(v_block) + index * head_dim;
  round_row<type>(x, head_dim, type == KvType::q8_0 ? v_scale + index : nullptr,
                  [&](int64_t d, const Element<type>* elements, int64_t n)
                      RUSTML_LAMBDA { __builtin_memcpy(row + d, elements, static_cast<size_t>(n) * sizeof(Element<type>)); });
}

}  // namespace

void store_k(KvType type, const float* x, int64_t head_dim, void* k_block, float* k_scale, int64_t index) {
  if (type == KvType::f32) return store_k_as<KvType::f32>(x, head_dim, k_block, k_scale, index);
  if (type == KvType::f16) return store_k_as<KvType::f16>(x, head_dim, k_block, k_scale, index);
  store_k_as<KvType::q8_0>(x, head_dim, k_block, k_scale, index);
}

void store_v(KvType type, const float* x, int64_t head_dim, void* v_block, float* v_scale, int64_t index) {
  if (type == KvType::f32) return store_v_as<KvType::f32>(x, head_dim, v_block, v_scale, index);
  if (type == KvType::f16) return store_v_as<KvType::f16>(x, head_dim, v_block, v_scale, index);
  store_v_as<KvType::q8_0>(x, head_dim, v_block, v_scale, index);
}

}  // namespace rustml::kernels::RUSTML_TARGET
