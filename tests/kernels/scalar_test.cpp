// The reference target against computations in double precision and against its stated rules.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "comparison.h"
#include "kernels/select.h"

namespace rustml::kernels {
namespace {

using tensor::DType;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kUnit = 0x1p-24;  // largest relative error of one rounding

const KernelTable& scalar() { return *find("scalar"); }

std::vector<float> random_floats(int64_t n, float low, float high, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> x(static_cast<size_t>(n));
  for (float& value : x) value = low + (high - low) * static_cast<float>(random() >> 8) * 0x1p-24f;
  return x;
}

// Distance in units of the last place of the correctly rounded result.
double ulps(float got, double want) {
  const float rounded = static_cast<float>(want);
  if (got == rounded) return std::fabs(got - want) / std::ldexp(1.0, std::max(std::ilogb(want), -126) - 23);
  return std::fabs(static_cast<double>(got) - want) / std::ldexp(1.0, std::max(std::ilogb(want), -126) - 23);
}

TEST(Scalar, ExpWithinOneUlpOfLibm) {
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    const float x = -87.3f + static_cast<float>(i) * (176.0f / 400000);
    float y;
    scalar().exp(&x, 1, 0, &y);
    worst = std::max(worst, ulps(y, std::exp(static_cast<double>(x))));
    if (x > 88.72f) break;
  }
  for (float x = -103.9f; x < -87.3f; x += 0.01f) {  // subnormal results
    float y;
    scalar().exp(&x, 1, 0, &y);
    worst = std::max(worst, ulps(y, std::exp(static_cast<double>(x))));
  }
  RecordProperty("max_ulp", std::to_string(worst));
  EXPECT_LE(worst, 1.0);  // 0.9: one rounding of the last step, half an ulp each of the polynomial's last two
  std::printf("exp: at most %.3f ulp\n", worst);

  const float edges[] = {0.0f, -0.0f, 88.73f, kInfinity, -104.5f, -kInfinity, kNaN};
  float y[7];
  scalar().exp(edges, 7, 0, y);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 1);
  EXPECT_EQ(y[2], kInfinity);
  EXPECT_EQ(y[3], kInfinity);
  EXPECT_EQ(y[4], 0);
  EXPECT_EQ(y[5], 0);
  EXPECT_TRUE(std::isnan(y[6]));
}

TEST(Scalar, ActivationsAgainstDouble) {
  double worst_silu = 0, worst_gelu = 0;
  const float one = 1;
  for (float x = -12; x < 12; x += 0.00037f) {
    float y;
    const double d = x;
    scalar().silu_mul(&x, &one, 1, &y);
    worst_silu = std::max(worst_silu, ulps(y, d / (1 + std::exp(-d))));
    scalar().gelu_tanh_mul(&x, nullptr, 1, &y);
    const double u = std::sqrt(2 / M_PI) * (d + 0.044715 * d * d * d);
    const double gelu = d / (1 + std::exp(-2 * u));  // = 0.5 d (1 + tanh u), without its cancellation
    worst_gelu = std::max(worst_gelu, std::fabs(y - gelu) / std::max(std::fabs(gelu), 1e-30));
    EXPECT_NEAR(y, 0.5 * d * (1 + std::tanh(u)), 1e-6 * (1 + std::fabs(d)));
  }
  std::printf("silu: at most %.3f ulp; gelu: relative error at most %.3g\n", worst_silu, worst_gelu);
  EXPECT_LE(worst_silu, 3);            // exp, addition, division
  EXPECT_LE(worst_gelu, 200 * kUnit);  // exp's argument reaches 150 with three roundings
}

TEST(Scalar, LinearAgainstDouble) {
  for (int index = 0; index < tensor::kDTypeCount; ++index) {
    const auto type = static_cast<DType>(index);
    const bool block = tensor::info(type).block_elements > 1;
    const int64_t rows = 37, cols = tensor::info(type).block_elements == 256 ? 768 : 224, tokens = 3;
    std::vector<std::byte> file[48], weights(static_cast<size_t>(3 * panel_bytes(type, cols)));
    const std::byte* pointers[48] = {};
    for (int64_t r = 0; r < rows; ++r) {
      file[r] = random_file_row(type, cols, static_cast<uint32_t>(r));
      pointers[r] = file[r].data();
    }
    for (int64_t p = 0; p < 3; ++p) pack_panel(type, pointers + 16 * p, cols, weights.data() + p * panel_bytes(type, cols));
    const auto x = random_floats(tokens * cols, -1, 1, 5), bias = random_floats(rows, -1, 1, 6);
    std::vector<int8_t> q(x.size());
    std::vector<float> d(x.size() / 32), out(static_cast<size_t>(tokens * rows));
    std::vector<int32_t> sum(x.size() / 32);
    scalar().quantize_q8(x.data(), tokens * cols, q.data(), d.data(), sum.data());
    const LinearArgs args{weights.data(), rows,        cols,       q.data(), d.data(), sum.data(),
                          x.data(),       bias.data(), out.data(), rows,     false,    nullptr};
    scalar().linear[static_cast<int>(type)](args, 0, 3, 0, tokens);
    std::vector<float> w(static_cast<size_t>(cols));
    for (int64_t r = 0; r < rows; ++r) {
      tensor::dequantize(type, pointers[r], cols, w.data());
      for (int64_t t = 0; t < tokens; ++t) {
        double want = bias[static_cast<size_t>(r)], magnitude = std::fabs(want);
        for (int64_t k = 0; k < cols; ++k) {
          const auto i = static_cast<size_t>(t * cols + k);
          const double xi = block ? static_cast<double>(q[i]) * d[i / 32] : x[i];
          want += w[static_cast<size_t>(k)] * xi;
          magnitude += std::fabs(w[static_cast<size_t>(k)] * xi);
        }
        // Every term passes at most `steps` additions and a few roundings of its own; minima add a second, larger term.
        const double steps = block ? 2.0 * static_cast<double>(cols) / 32 + 6 : static_cast<double>(cols) / 2 + 4;
        const double scale = type == DType::q4_1 ? 4 : 1;
        EXPECT_NEAR(out[static_cast<size_t>(t * rows + r)], want, scale * steps * kUnit * magnitude)
            << tensor::info(type).name << " row " << r;
      }
    }
  }
}

TEST(Scalar, QuantizeRules) {
  const int64_t n = 64;
  auto x = random_floats(n, -3, 3, 1);
  int8_t q[64];
  float d[2];
  int32_t sum[2];
  scalar().quantize_q8(x.data(), n, q, d, sum);
  for (int b = 0; b < 2; ++b) {
    int32_t sums[2] = {};
    int largest = 0;
    for (int i = 32 * b; i < 32 * b + 32; ++i) {
      EXPECT_LE(std::fabs(x[static_cast<size_t>(i)] - static_cast<float>(q[i]) * d[b]), 0.501f * d[b]);
      sums[i % 32 / 16] += q[i];
      largest = std::max(largest, std::abs(q[i]));
    }
    EXPECT_EQ(static_cast<int16_t>(sum[b]), sums[0]);
    EXPECT_EQ(sum[b] >> 16, sums[1]);
    EXPECT_EQ(largest, 127);
  }
  x[40] = kNaN;
  for (size_t i = 0; i < 32; ++i) x[i] = 1e-31f;
  scalar().quantize_q8(x.data(), n, q, d, sum);
  EXPECT_EQ(d[0], 0);
  EXPECT_TRUE(std::isnan(d[1]));
  EXPECT_EQ(sum[0], 0);
  EXPECT_EQ(sum[1], 0);
  for (int8_t value : q) EXPECT_EQ(value, 0);
  x[40] = -kInfinity;
  scalar().quantize_q8(x.data(), n, q, d, sum);
  EXPECT_TRUE(std::isnan(d[1]));
  for (size_t i = 0; i < 32; ++i) x[i] = static_cast<float>(i) + 0.5f;  // with a maximum of 127 the factor is 1: ties go to even
  x[31] = 127;
  scalar().quantize_q8(x.data(), 32, q, d, sum);
  for (int i = 0; i < 31; ++i) EXPECT_EQ(q[i], i % 2 == 0 ? i : i + 1);
}

TEST(Scalar, NormsAgainstDouble) {
  for (int64_t n : {1, 7, 64, 577}) {
    const auto x = random_floats(n, -4, 5, 2), w = random_floats(n, -2, 2, 3), b = random_floats(n, -2, 2, 4);
    double mean = 0, squares = 0, variance = 0;
    for (float value : x) mean += value / static_cast<double>(n), squares += static_cast<double>(value) * value / static_cast<double>(n);
    for (float value : x) variance += (value - mean) * (value - mean) / static_cast<double>(n);
    std::vector<float> y(x.size());
    scalar().rms_norm(x.data(), w.data(), n, 1e-5f, y.data());
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], x[i] / std::sqrt(squares + 1e-5) * w[i], 1e-5);
    scalar().layer_norm(x.data(), w.data(), b.data(), n, 1e-5f, y.data());
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * w[i] + b[i], n == 1 ? 1e-3 : 1e-5);
  }
}

TEST(Scalar, RotateTurnsByTheAngle) {
  const int64_t n = 10;
  const auto start = random_floats(n, -2, 2, 7);
  auto x = start;
  std::vector<float> c, s;
  for (int i = 0; i < 5; ++i) c.push_back(std::cos(0.3f * static_cast<float>(i))), s.push_back(std::sin(0.3f * static_cast<float>(i)));
  scalar().rotate(x.data(), 1, c.data(), s.data(), n, 1);
  for (size_t i = 0; i < 5; ++i) {
    const double a = start[i], b = start[i + 5], angle = 0.3 * static_cast<double>(i);
    EXPECT_NEAR(x[i], a * std::cos(angle) - b * std::sin(angle), 1e-6);
    EXPECT_NEAR(x[i + 5], b * std::cos(angle) + a * std::sin(angle), 1e-6);
  }
  std::vector<float> heads(start);  // each by the same angles, times the factor
  heads.insert(heads.end(), start.begin(), start.end());
  scalar().rotate(heads.data(), 2, c.data(), s.data(), n, 0.125f);
  for (size_t i = 0; i < heads.size(); ++i) EXPECT_EQ(heads[i], 0.125f * x[i % 10]);
}

// Two blocks, attended separately and merged, against the plain softmax over all positions in double.
TEST(Scalar, AttentionAgainstDouble) {
  const int64_t dim = 36, positions = 200, first_visible = 57;
  for (KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    std::vector<float> k_block[2], v_block[2];  // enough for the widest type
    std::vector<float> ks[2], vs[2];
    for (int b = 0; b < 2; ++b) k_block[b].assign(128 * dim, 0), v_block[b] = k_block[b], ks[b].assign(128, 0), vs[b] = ks[b];
    std::vector<std::vector<float>> keys, values;
    for (int64_t p = 0; p < positions; ++p) {
      keys.push_back(random_floats(dim, -2, 2, static_cast<uint32_t>(2 * p)));
      values.push_back(random_floats(dim, -2, 2, static_cast<uint32_t>(2 * p + 1)));
      const auto b = static_cast<size_t>(p / 128);
      scalar().store_k(type, keys.back().data(), dim, k_block[b].data(), ks[b].data(), p % 128);
      scalar().store_v(type, values.back().data(), dim, v_block[b].data(), vs[b].data(), p % 128);
    }
    const auto q = random_floats(dim, -0.5f, 0.5f, 999);
    float m[2], l[2];
    std::vector<float> o(static_cast<size_t>(2 * dim)), y(static_cast<size_t>(dim));
    for (int b = 0; b < 2; ++b) {
      const float* queries = q.data();
      float* outputs = o.data() + b * dim;
      const int32_t first = b == 0 ? first_visible : 0, last = b == 0 ? 128 : static_cast<int32_t>(positions - 128);
      scalar().attend({type, dim, k_block[b].data(), ks[b].data(), v_block[b].data(), vs[b].data(), 1, &queries, &first, &last, &outputs,
                       m + b, l + b, nullptr});
    }
    scalar().attend_merge(m, l, o.data(), dim, 2, dim, y.data());

    std::vector<double> want(static_cast<size_t>(dim), 0.0), score;
    double largest = -1e30, total = 0;
    for (int64_t p = first_visible; p < positions; ++p) {
      double s = 0;
      for (size_t d = 0; d < q.size(); ++d) s += static_cast<double>(q[d]) * keys[static_cast<size_t>(p)][d];
      score.push_back(s);
      largest = std::max(largest, s);
    }
    for (int64_t p = first_visible; p < positions; ++p) {
      const double e = std::exp(score[static_cast<size_t>(p - first_visible)] - largest);
      total += e;
      for (size_t d = 0; d < want.size(); ++d) want[d] += e * values[static_cast<size_t>(p)][d];
    }
    // Rounding of K and V: f16 2^-11 relative; q8_0 half a step of 2/127.
    const double tolerance = type == KvType::f32 ? 1e-5 : type == KvType::f16 ? 3e-3 : 5e-2;
    for (size_t d = 0; d < want.size(); ++d) EXPECT_NEAR(y[d], want[d] / total, tolerance) << static_cast<int>(type);
  }
}

// What offsets add to keys of 0 are the scores.
TEST(Scalar, OffsetsAreAddedToScores) {
  const int64_t dim = 4, positions = 21, n_rows = 3;
  std::vector<int8_t> k(128 * dim), v(128 * dim);
  std::vector<float> scales(128, 0.0f), value_scales(128, 0.0f), basis = random_floats(128 * n_rows, -2, 2, 5);
  std::vector<std::vector<float>> values;
  for (int64_t p = 0; p < positions; ++p) {
    values.push_back(random_floats(dim, -2, 2, static_cast<uint32_t>(p)));
    scalar().store_v(KvType::q8_0, values.back().data(), dim, v.data(), value_scales.data(), p);
  }
  const float q[4] = {1, 2, 3, 4}, factors[2] = {0.5f, -1.25f};
  const int32_t rows[2] = {2, 0}, first = 2, last = static_cast<int32_t>(positions);
  const float *queries = q, *of_query = factors;
  std::vector<float> o(4);
  float *outputs = o.data(), m = 0, l = 0;
  const ScoreOffsets offsets{basis.data(), n_rows, rows, 2, &of_query};
  scalar().attend({KvType::q8_0, dim, k.data(), scales.data(), v.data(), value_scales.data(), 1, &queries, &first, &last, &outputs, &m, &l,
                   nullptr, nullptr, &offsets});
  double largest = -1e30, total = 0, want[4] = {};
  const auto score = [&](int64_t p) {
    const auto at = [&](int64_t row) { return static_cast<double>(basis[static_cast<size_t>((p / 16 * n_rows + row) * 16 + p % 16)]); };
    return 0.5 * at(2) - 1.25 * at(0);
  };
  for (int64_t p = first; p < last; ++p) largest = std::max(largest, score(p));
  for (int64_t p = first; p < last; ++p) {
    total += std::exp(score(p) - largest);
    for (size_t d = 0; d < 4; ++d) want[d] += std::exp(score(p) - largest) * values[static_cast<size_t>(p)][d];
  }
  EXPECT_NEAR(m, largest, 1e-6);
  EXPECT_NEAR(l, total, 1e-5);
  for (size_t d = 0; d < 4; ++d) EXPECT_NEAR(o[d] / l, want[d] / total, 2.0 / 127);
}

TEST(Scalar, NothingVisible) {
  std::vector<float> block(128 * 4, kNaN), scales(128, kNaN), o(4, 5.0f);
  const float q[4] = {};
  const float* queries = q;
  float* outputs = o.data();
  const int32_t first = 9, last = 9;
  float m = 0, l = 1;
  for (const KernelTable* table : available()) {
    if (!ready(*table)) continue;
    table->attend(
        {KvType::f32, 4, block.data(), scales.data(), block.data(), scales.data(), 1, &queries, &first, &last, &outputs, &m, &l, nullptr});
    EXPECT_EQ(m, -kInfinity);
    EXPECT_EQ(l, 0);
    for (float value : o) EXPECT_EQ(value, 0);
  }
}

TEST(Scalar, ReductionsOverLogits) {
  for (const KernelTable* table : available()) {
    if (!ready(*table)) continue;
    SCOPED_TRACE(std::string(table->target));
    std::vector<float> x(100, -1.0f);
    x[71] = x[33] = x[99] = 4;
    EXPECT_EQ(table->argmax(x.data(), 100), 33);
    EXPECT_EQ(table->argmax(x.data() + 34, 66), 71 - 34);
    x[10] = kNaN;
    EXPECT_EQ(table->argmax(x.data(), 100), 33);
    EXPECT_EQ(table->max(x.data(), 100), 4);
    EXPECT_FALSE(table->all_finite(x.data(), 100));
    x[10] = 0;
    EXPECT_TRUE(table->all_finite(x.data(), 100));
    x[99] = -kInfinity;
    EXPECT_FALSE(table->all_finite(x.data(), 100));
    x.assign(20, kNaN);
    EXPECT_EQ(table->argmax(x.data(), 20), -1);
    EXPECT_EQ(table->max(x.data(), 20), -kInfinity);
    EXPECT_EQ(table->argmax(x.data(), 0), -1);
    x.assign(20, -kInfinity);
    EXPECT_EQ(table->argmax(x.data(), 20), 0);
  }
  const auto x = random_floats(50000, -15, 15, 3);
  double want = 0;
  for (float value : x) want += std::exp(static_cast<double>(value) - 15);
  EXPECT_NEAR(scalar().sum_exp(x.data(), 50000, 15), want, want * 1e-5);
}

}  // namespace
}  // namespace rustml::kernels
