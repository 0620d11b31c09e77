// The reference target: the definitions of kernels.h as plain loops over the packed layouts. Written for reading and for
// comparison, not for speed; shares nothing with the vector targets but the constants and the list of entries.
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "kernels/constants.h"
#include "kernels/layout.h"
#define RUSTML_TARGET scalar
#include "kernels/table-inl.h"

namespace rustml::kernels::scalar {
namespace {

using tensor::DType;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

float fma(float x, float y, float z) { return base::fused_multiply_add(x, y, z); }

float half_at(const void* base, int64_t index) {
  uint16_t bits;
  std::memcpy(&bits, static_cast<const char*>(base) + 2 * index, 2);
  return tensor::f16_to_f32(bits);
}

float exp_of(float x) {
  if (x != x) return x;
  x = x > kExpHighest ? kExpHighest : x;
  x = x < kExpLowest ? kExpLowest : x;
  const float n = fma(x, kLog2E, kRoundMagic) - kRoundMagic;
  const float r = fma(n, -kLn2Low, fma(n, -kLn2High, x));
  float p = kExpC6;
  for (float c : {kExpC5, kExpC4, kExpC3, kExpC2, 1.0f, 1.0f}) p = fma(p, r, c);
  return std::ldexp(p, static_cast<int>(n));
}

// The reduction rule: 16 lanes, then the tree.
struct LaneSum {
  float lane[16] = {};
  void add(int64_t index, float value) { lane[index % 16] += value; }
  float total() {
    for (int width = 8; width > 0; width /= 2) {
      for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
    }
    return lane[0];
  }
};

// ---- quantize ----

// d and the factor for the values; false: all q are 0.
bool quantize_scale(const float* x, int64_t n, float* d, float* factor) {
  float largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) {
      *d = kNaN;
      return false;
    }
    largest = std::fmax(largest, std::fabs(x[i]));
  }
  *d = 0;
  if (largest < kQuantizeTiny) return false;
  *d = largest / 127.0f;
  *factor = 127.0f / largest;
  return true;
}

}  // namespace

void quantize_q8(const float* x, int64_t n, int8_t* q, float* d, int32_t* sum) {
  for (int64_t b = 0; b < n / kQBlock; ++b, x += kQBlock, q += kQBlock) {
    float factor = 0;
    const bool any = quantize_scale(x, kQBlock, &d[b], &factor);
    int32_t sums[2] = {};
    for (int64_t i = 0; i < kQBlock; ++i) {
      q[i] = any ? static_cast<int8_t>(std::nearbyint(x[i] * factor)) : int8_t{0};
      sums[i / 16] += q[i];
    }
    sum[b] = sums[1] * 0x10000 + (sums[0] & 0xffff);
  }
}

namespace {

// ---- linear ----

// The integer weight of panel row r at position k of a block's quants: stored bits, part by part, less the zero point.
int weight_at(const Layout& l, const std::byte* quants, int64_t r, int64_t k) {
  const int64_t group = k / 4, place = 4 * r + k % 4;
  const auto bits = [&](int64_t vector, int64_t shift, int n) {
    return (static_cast<int>(quants[64 * vector + place]) >> shift) % (1 << n);
  };
  if (l.bits == 8) return bits(group, 0, 8) - l.zero;
  int value = 0, have = 0;
  int64_t vector = 0;
  if (l.bits & 4) value = bits(group % 4, group / 4 * 4, 4), have = 4, vector = 4;
  if (l.bits & 2) value += bits(vector + group / 4, group % 4 * 2, 2) << have, have += 2, vector += 2;
  if (l.bits & 1) value += bits(vector, group, 1) << have;
  return (l.codebook != nullptr ? l.codebook->of[value] : value) - l.zero;
}

template <DType type>
float block_chain(const std::byte* panel, int64_t r, const LinearArgs& a, int64_t t, int64_t begin, int64_t end) {
  constexpr Layout l = layout_of(type);
  float acc = 0;
  for (int64_t u = begin; u < end; ++u) {
    const std::byte* unit = panel + u * l.unit_bytes();
    const float d = half_at(unit, r) * l.unit, m = l.minima ? half_at(unit, kPanelRows + r) : 0.0f;
    const auto scaled = [&](float factor, int64_t nth) {
      return l.super ? factor * static_cast<float>(static_cast<int8_t>(unit[64 + 16 * nth + r])) : factor;
    };
    for (int64_t sub = 0; sub < l.blocks() * l.subs(); ++sub) {
      const int64_t j = sub / l.subs(), block = u * l.blocks() + j;
      const std::byte* quants = unit + l.header_bytes() + j * l.block_bytes();
      const float xd = a.xd[t * (a.cols / kQBlock) + block];
      int32_t isum = 0, xsum = 0;
      for (int64_t k = sub % l.subs() * l.sub; k < (sub % l.subs() + 1) * l.sub; ++k) {
        const int32_t x = a.xq[t * a.cols + block * kQBlock + k];
        isum += weight_at(l, quants, r, k) * x;
        xsum += x;
      }
      acc = fma(static_cast<float>(isum), scaled(d, sub) * xd, acc);
      if (l.minima) acc = fma(scaled(m, l.scales() + sub), xd * static_cast<float>(xsum), acc);
    }
  }
  return acc;
}

template <DType type>
float float_chain(const std::byte* panel, int64_t r, const LinearArgs& a, int64_t t, int64_t begin, int64_t end) {
  float acc = 0;
  for (int64_t k = begin; k < end; ++k) {
    float w;
    const int64_t size = tensor::info(type).block_bytes;
    tensor::dequantize(type, panel + size * (k * kPanelRows + r), 1, &w);
    acc = fma(w, a.xf[t * a.cols + k], acc);
  }
  return acc;
}

template <DType type>
void linear(const LinearArgs& a, int64_t panel_begin, int64_t panel_end, int64_t token_begin, int64_t token_end) {
  constexpr bool kFloat = layout_of(type).bits == 0;
  constexpr auto chain = kFloat ? float_chain<type> : block_chain<type>;
  const int64_t steps = kFloat ? a.cols : a.cols / (kQBlock * layout_of(type).blocks()), half = (steps + 1) / 2;
  const int64_t last_row = panel_end * kPanelRows < a.rows ? panel_end * kPanelRows : a.rows;
  for (int64_t t = token_begin; t < token_end; ++t) {
    for (int64_t row = panel_begin * kPanelRows; row < last_row; ++row) {
      const std::byte* panel = a.weights + row / kPanelRows * panel_bytes(type, a.cols);
      float result = chain(panel, row % kPanelRows, a, t, 0, half) + chain(panel, row % kPanelRows, a, t, half, steps);
      if (a.bias != nullptr) result += a.bias[row];
      float& out = a.out[t * a.out_stride + row];
      out = a.accumulate ? out + result : result;
    }
  }
}

}  // namespace

// ---- rows of floats ----

void rms_norm(const float* x, const float* w, int64_t n, float eps, float* y) {
  LaneSum sum;
  for (int64_t i = 0; i < n; ++i) sum.add(i, x[i] * x[i]);
  const float factor = 1.0f / std::sqrt(sum.total() / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * factor * w[i];
}

void layer_norm(const float* x, const float* w, const float* b, int64_t n, float eps, float* y) {
  LaneSum sum, squares;
  for (int64_t i = 0; i < n; ++i) sum.add(i, x[i]);
  const float mean = sum.total() / static_cast<float>(n);
  for (int64_t i = 0; i < n; ++i) squares.add(i, (x[i] - mean) * (x[i] - mean));
  const float factor = 1.0f / std::sqrt(squares.total() / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; ++i) y[i] = fma((x[i] - mean) * factor, w[i], b[i]);
}

void add(float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += y[i];
}

void scale(float* x, float factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

void silu_mul(const float* gate, const float* up, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = gate[i] / (1.0f + exp_of(-gate[i])) * up[i];
}

void gelu_tanh_mul(const float* gate, const float* up, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gate[i];
    const float gelu = g / (1.0f + exp_of(g * fma(g * g, kGeluCubic, kGeluLinear)));
    y[i] = up != nullptr ? gelu * up[i] : gelu;
  }
}

void rotate(float* x, int64_t heads, const float* cosines, const float* sines, int64_t n, float factor) {
  for (; heads > 0; --heads, x += n) {
    for (int64_t i = 0; i < n / 2; ++i) {
      const float a = x[i], b = x[i + n / 2], c = cosines[i], s = sines[i];
      x[i] = fma(-b, s, a * c) * factor;
      x[i + n / 2] = fma(a, s, b * c) * factor;
    }
  }
}

// ---- attention ----

namespace {

// Writes x[d] to element index_of(d) of a cache block.
template <class IndexOf>
void store(KvType type, const float* x, int64_t head_dim, void* block, float* scale_out, int64_t index, IndexOf index_of) {
  float factor = 0;
  const bool any = type == KvType::q8_0 && quantize_scale(x, head_dim, &scale_out[index], &factor);
  for (int64_t d = 0; d < head_dim; ++d) {
    switch (type) {
      case KvType::f32: static_cast<float*>(block)[index_of(d)] = x[d]; break;
      case KvType::f16: static_cast<uint16_t*>(block)[index_of(d)] = tensor::f32_to_f16(x[d]); break;
      case KvType::q8_0: static_cast<int8_t*>(block)[index_of(d)] = any ? static_cast<int8_t>(std::nearbyint(x[d] * factor)) : int8_t{0};
    }
  }
}

int64_t k_index(int64_t head_dim, int64_t p, int64_t d) { return (p / 16 * head_dim + d) * 16 + p % 16; }

}  // namespace

void store_k(KvType type, const float* x, int64_t head_dim, void* k_block, float* k_scale, int64_t index) {
  store(type, x, head_dim, k_block, k_scale, index, [=](int64_t d) { return k_index(head_dim, index, d); });
}

void store_v(KvType type, const float* x, int64_t head_dim, void* v_block, float* v_scale, int64_t index) {
  store(type, x, head_dim, v_block, v_scale, index, [=](int64_t d) { return index * head_dim + d; });
}

namespace {

float cached(KvType type, const void* block, int64_t index) {
  switch (type) {
    case KvType::f32: return static_cast<const float*>(block)[index];
    case KvType::f16: return half_at(block, index);
    default: return static_cast<float>(static_cast<const int8_t*>(block)[index]);
  }
}

}  // namespace

void attend(const AttendArgs& a) {
  for (int64_t j = 0; j < a.n_queries; ++j) {
    float e[kAttendBlock];
    float largest = -kInfinity;
    for (int64_t p = a.first[j]; p < a.last[j]; ++p) {
      e[p] = 0;
      for (int64_t d = 0; d < a.head_dim; ++d) e[p] = fma(cached(a.type, a.k, k_index(a.head_dim, p, d)), a.q[j][d], e[p]);
      if (a.type == KvType::q8_0) e[p] *= a.k_scale[p];
      if (const ScoreOffsets* s = a.offsets) {
        for (int64_t i = 0; i < s->n; ++i) e[p] = fma(s->basis[k_index(s->n_rows, p, s->rows[i])], s->factors[j][i], e[p]);
      }
      if (e[p] > largest) largest = e[p];
    }
    LaneSum sum;
    for (int64_t p = a.first[j]; p < a.last[j]; ++p) {
      e[p] = exp_of(e[p] - largest);
      sum.add(p, e[p]);
    }
    a.m[j] = largest + 0.0f;  // never -0
    a.l[j] = sum.total();
    for (int64_t d = 0; d < a.head_dim; ++d) {
      float o = 0;
      for (int64_t p = a.first[j]; p < a.last[j]; ++p) {
        const float factor = a.type == KvType::q8_0 ? e[p] * a.v_scale[p] : e[p];
        o = fma(factor, cached(a.type, a.v, p * a.head_dim + d), o);
      }
      a.o[j][d] = o;
    }
  }
}

void attend_merge(const float* m, const float* l, const float* o, int64_t o_stride, int64_t n_blocks, int64_t head_dim, float* y) {
  float largest = -kInfinity, total = 0;
  for (int64_t i = 0; i < n_blocks; ++i) largest = m[i] > largest ? m[i] : largest;
  for (int64_t d = 0; d < head_dim; ++d) y[d] = 0;
  for (int64_t i = 0; i < n_blocks; ++i) {
    const float factor = m[i] == -kInfinity ? 0.0f : exp_of(m[i] - largest);
    total = fma(l[i], factor, total);
    for (int64_t d = 0; d < head_dim; ++d) y[d] = fma(o[i * o_stride + d], factor, y[d]);
  }
  for (int64_t d = 0; d < head_dim; ++d) y[d] /= total;
}

// ---- logits ----

int64_t argmax(const float* x, int64_t n) {
  int64_t best = -1;
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] == x[i] && (best < 0 || x[i] > x[best])) best = i;
  }
  return best;
}

float max(const float* x, int64_t n) {
  float largest = -kInfinity;
  for (int64_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest + 0.0f;  // never -0
}

double sum_exp(const float* x, int64_t n, float subtract) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumExpChunk) {
    LaneSum sum;
    for (int64_t i = begin; i < n && i < begin + kSumExpChunk; ++i) sum.add(i - begin, exp_of(x[i] - subtract));
    total += sum.total();
  }
  return total;
}

void exp(const float* x, int64_t n, float subtract, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = exp_of(x[i] - subtract);
}

bool all_finite(const float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return false;
  }
  return true;
}

constinit const KernelTable kTable = make_table(kTargetName, [](auto type) { return linear<type.value>; });

}  // namespace rustml::kernels::scalar
