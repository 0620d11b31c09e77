// The table of one target, from the functions of its namespace. What is not `linear` is declared here and may be defined in other files.
#pragma once
#include <type_traits>
#include <utility>

#include "kernels/kernels.h"
#include "kernels/layout.h"
#include "kernels/target.h"

// Every entry that is one function, by name; `linear` is one for each type, and quantize_q8_tiled AMX's alone.
#define RUSTML_ENTRIES(f)                                                                                                         \
  f(quantize_q8) f(rms_norm) f(layer_norm) f(add) f(silu_mul) f(gelu_tanh_mul) f(rotate) f(scale) f(store_k) f(store_v) f(attend) \
      f(attend_merge) f(argmax) f(max) f(sum_exp) f(exp) f(all_finite)

namespace rustml::kernels::RUSTML_TARGET {

// Defined in float_ops-inl.h, kv_rows-inl.h and attention-inl.h, or scalar.cpp.
#define RUSTML_DECLARE(name) std::remove_pointer_t<decltype(KernelTable::name)> name;
RUSTML_ENTRIES(RUSTML_DECLARE)
#undef RUSTML_DECLARE

extern const KernelTable kTable;

#define RUSTML_TEXT(x) #x
#define RUSTML_TEXT_OF(x) RUSTML_TEXT(x)

namespace {

constexpr std::string_view kTargetName = RUSTML_TEXT_OF(RUSTML_TARGET);

// linear_of(integral_constant<DType>): the function for weights of the type.
template <class LinearOf>
constexpr KernelTable make_table(std::string_view target, LinearOf linear_of) {
  KernelTable t{};
  t.target = target;
#define RUSTML_FILL(name) t.name = RUSTML_TARGET::name;
  RUSTML_ENTRIES(RUSTML_FILL)
#undef RUSTML_FILL
  [&]<int... type>(std::integer_sequence<int, type...>) {
    ((t.linear[type] = linear_of(std::integral_constant<tensor::DType, panel_form(static_cast<tensor::DType>(type))>{})), ...);
  }
  (std::make_integer_sequence<int, tensor::kDTypeCount>{});
  return t;
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
