// Rows of floats: quantization of activations, norms, activations, rotary, reductions over logits. 16 lanes at a time, the last
// ones by load_first/store_first, which touch no byte outside.
#pragma once
#include "kernels/exp-inl.h"
#include "kernels/quantize-inl.h"
#include "kernels/table-inl.h"

namespace rustml::kernels::RUSTML_TARGET {
namespace {

template <class F>
RUSTML_INLINE float sum_of(int64_t n, F value) {
  F32x16 sum = zero();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sum = sum + value(i, int64_t{kLanes});
  if (i < n) sum = sum + first_lanes(value(i, n - i), n - i);
  return sum_lanes(sum);
}

}  // namespace

void quantize_q8(const float* x, int64_t n, int8_t* q, float* d, int32_t* sum) { quantize_row(x, n / kQBlock, {q, kQBlock, d, sum, 1}); }

void rms_norm(const float* x, const float* w, int64_t n, float eps, float* y) {
  const float squares = sum_of(n, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA {
    const F32x16 v = load_first(x + i, lanes);
    return v * v;
  });
  const F32x16 factor = set1(1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + eps));
  each(n, y, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return load_first(x + i, lanes) * factor * load_first(w + i, lanes); });
}

void layer_norm(const float* x, const float* w, const float* b, int64_t n, float eps, float* y) {
  const float total = sum_of(n, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return load_first(x + i, lanes); });
  const F32x16 mean = set1(total / static_cast<float>(n));
  const float squares = sum_of(n, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA {
    const F32x16 v = load_first(x + i, lanes) - mean;
    return v * v;
  });
  const F32x16 factor = set1(1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + eps));
  each(n, y, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA {
    return fma((load_first(x + i, lanes) - mean) * factor, load_first(w + i, lanes), load_first(b + i, lanes));
  });
}

void add(float* x, const float* y, int64_t n) {
  each(n, x, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return load_first(x + i, lanes) + load_first(y + i, lanes); });
}

void scale(float* x, float factor, int64_t n) {
  each(n, x, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return load_first(x + i, lanes) * set1(factor); });
}

void silu_mul(const float* gate, const float* up, int64_t n, float* y) {
  each(n, y, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return silu(load_first(gate + i, lanes)) * load_first(up + i, lanes); });
}

void gelu_tanh_mul(const float* gate, const float* up, int64_t n, float* y) {
  each(n, y, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA {
    const F32x16 gelu = gelu_tanh(load_first(gate + i, lanes));
    return up != nullptr ? gelu * load_first(up + i, lanes) : gelu;
  });
}

void rotate(float* x, int64_t heads, const float* cosines, const float* sines, int64_t n, float factor) {
  const F32x16 f = set1(factor);
  for (int64_t i = 0; i < n / 2; i += kLanes) {  // of all heads: the angles stay in registers
    const int64_t lanes = lanes_at(i, n / 2);
    const F32x16 c = load_first(cosines + i, lanes), s = load_first(sines + i, lanes);
    for (int64_t h = 0; h < heads; ++h) {
      float *low = x + h * n + i, *high = low + n / 2;
      const F32x16 a = load_first(low, lanes), b = load_first(high, lanes);
      store_first(low, fma(negated(b), s, a * c) * f, lanes);
      store_first(high, fma(a, s, b * c) * f, lanes);
    }
  }
}

void exp(const float* x, int64_t n, float subtract, float* y) {
  each(n, y, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return exp(load_first(x + i, lanes) - set1(subtract)); });
}

double sum_exp(const float* x, int64_t n, float subtract) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumExpChunk) {
    const float* chunk = x + begin;
    const int64_t length = n - begin < kSumExpChunk ? n - begin : kSumExpChunk;
    total += sum_of(length, [&](int64_t i, int64_t lanes) RUSTML_LAMBDA { return exp(load_first(chunk + i, lanes) - set1(subtract)); });
  }
  return total;
}

float max(const float* x, int64_t n) {
  F32x16 largest = set1(-__builtin_inff());
  for (int64_t i = 0; i < n; i += kLanes) largest = larger(load_first(x + i, lanes_at(i, n), -__builtin_inff()), largest);
  return max_lane(largest) + 0.0f;  // never -0
}

int64_t argmax(const float* x, int64_t n) {
  const float largest = max(x, n);
  int64_t i = 0;
  while (i + kLanes <= n && !any_equal(load(x + i), set1(largest))) i += kLanes;
  while (i < n && x[i] != largest) ++i;
  return i < n ? i : -1;
}

bool all_finite(const float* x, int64_t n) {
  F32x16 spoiled = zero();  // 0, or NaN
  for (int64_t i = 0; i < n; i += kLanes) spoiled = fma(load_first(x + i, lanes_at(i, n)), zero(), spoiled);
  return sum_lanes(spoiled) == 0.0f;
}

}  // namespace rustml::kernels::RUSTML_TARGET
