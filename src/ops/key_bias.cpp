#include "ops/key_bias.h"

#include <cmath>

namespace rustml::ops {

KeyBias KeyBias::of(const float* bias, int64_t n_kv_heads, int64_t head_dim, bool rotated) {
  KeyBias out;
  if (bias == nullptr) return out;
  std::vector<float> negated(static_cast<size_t>(n_kv_heads * head_dim));
  std::vector<Head> heads(static_cast<size_t>(n_kv_heads));
  const auto half = static_cast<int32_t>(head_dim / 2);
  bool any = false;
  for (int64_t h = 0; h < n_kv_heads; ++h) {
    const float* b = bias + h * head_dim;
    Head& head = heads[static_cast<size_t>(h)];
    for (int32_t i = 0; i < half; ++i) {
      const float low = b[i], high = b[i + half];
      const double length = std::sqrt(static_cast<double>(low) * low + static_cast<double>(high) * high);
      if (!(length > kLargeKeyBias) || !std::isfinite(length)) continue;  // what is not finite spoils the scores as it always does
      head.pairs.push_back(i);
      head.low.push_back(low);
      head.high.push_back(high);
      negated[static_cast<size_t>(h * head_dim + i)] = -low;
      negated[static_cast<size_t>(h * head_dim + i + half)] = -high;
      any = true;
    }
    head.rows = head.pairs;
    for (const int32_t i : head.pairs) head.rows.push_back(half + i);
  }
  if (!any) return out;
  out.negated = std::move(negated);
  if (rotated) out.heads = std::move(heads);
  return out;
}

void KeyBias::Head::turn(const float* q, int64_t head_dim, const float* block_angles, float* factors) const {
  const auto half = static_cast<size_t>(head_dim / 2), n = pairs.size();
  for (size_t j = 0; j < n; ++j) {
    const auto i = static_cast<size_t>(pairs[j]);
    const float c = block_angles[i], s = block_angles[half + i];
    const float u0 = q[i] * c + q[half + i] * s, u1 = q[half + i] * c - q[i] * s;
    factors[j] = u0 * low[j] + u1 * high[j];
    factors[n + j] = u1 * low[j] - u0 * high[j];
  }
}

}  // namespace rustml::ops
