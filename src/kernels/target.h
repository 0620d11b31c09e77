// The kernel table of one SIMD target, from the templates. target_<isa>.cpp includes raw_<isa>.h, then this.
#pragma once
#include "kernels/kernels.h"
// In this order: each uses the ones before.
// clang-format off
#include "kernels/math.h"
#include "kernels/float_ops.h"
#include "kernels/kv_rows.h"
#include "kernels/attention.h"
#include "kernels/formats.h"
#include "kernels/linear_few.h"
#include "kernels/linear.h"
// clang-format on

namespace rustml::kernels::RUSTML_TARGET {
namespace {

constexpr KernelTable make_table(std::string_view target) {
  using tensor::DType;
  KernelTable t{};
  t.target = target;
  t.quantize_q8 = quantize_q8;
  const auto at = [&](DType type) -> auto& { return t.linear[static_cast<int>(type)]; };
  at(DType::f32) = linear_float<F32>;
  at(DType::f16) = linear_float<F16>;
  at(DType::bf16) = linear_float<BF16>;
  at(DType::q4_0) = linear<DType::q4_0>;
  at(DType::q4_1) = linear<DType::q4_1>;
  at(DType::q5_0) = linear<DType::q5_0>;
  at(DType::q5_1) = linear<DType::q5_1>;
  at(DType::q8_0) = linear<DType::q8_0>;
  at(DType::q2_k) = linear<DType::q2_k>;
  at(DType::q3_k) = linear<DType::q3_k>;
  at(DType::q4_k) = linear<DType::q4_k>;
  at(DType::q5_k) = linear<DType::q5_k>;
  at(DType::q6_k) = linear<DType::q6_k>;
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
