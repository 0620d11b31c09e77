// The kernel table of one SIMD target, from the templates. target_<isa>.cpp includes raw_<isa>.h, then this.
#pragma once
#include "kernels/kernels.h"
// In this order: each uses the ones before.
// clang-format off
#include "kernels/math.h"
#include "kernels/float_ops.h"
#include "kernels/attention.h"
#include "kernels/linear.h"
// clang-format on

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr KernelTable make_table(std::string_view target) {
  using tensor::DType;
  KernelTable t{};
  t.target = target;
  t.quantize_q8 = quantize_q8;
  t.linear[static_cast<int>(DType::f32)] = linear<FloatWeights<false>>;
  t.linear[static_cast<int>(DType::f16)] = linear<FloatWeights<true>>;
  t.linear[static_cast<int>(DType::q4_0)] = linear<Q4_0>;
  t.linear[static_cast<int>(DType::q4_1)] = linear<Q4_1>;
  t.linear[static_cast<int>(DType::q8_0)] = linear<Q8_0>;
  t.rms_norm = rms_norm;
  t.layer_norm = layer_norm;
  t.add = add;
  t.silu_mul = silu_mul;
  t.gelu_tanh_mul = gelu_tanh_mul;
  t.rotate = rotate;
  t.scale = scale;
  t.store_k = store_k;
  t.store_v = store_v;
  t.attend = attend;
  t.attend_merge = attend_merge;
  t.argmax = argmax;
  t.max = max;
  t.sum_exp = sum_exp;
  t.exp = exp;
  t.all_finite = all_finite;
  return t;
}

}  // namespace
}  // namespace rustml::kernels::RUSTML_TARGET
