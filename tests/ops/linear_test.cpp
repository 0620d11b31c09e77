// Against plain double-precision sums over what tensor::dequantize says the weights are, and against itself over thread
// counts and chunks, where every bit must agree.
#include "ops/linear.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <thread>

#include "kernels/select.h"
#include "team.h"

namespace rustml::ops {
namespace {

// A matrix of Q8_0 or F32 file rows, packed, and its values in double.
struct Packed {
  Packed(tensor::DType type, int64_t rows, int64_t cols, uint32_t seed) : values(rows * cols) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const int64_t row_bytes = tensor::row_bytes(type, cols);
    std::vector<std::byte> file(static_cast<size_t>(rows * row_bytes));
    for (int64_t r = 0; r < rows; ++r) {
      std::byte* row = file.data() + r * row_bytes;
      if (type == tensor::DType::f32) {
        for (int64_t k = 0; k < cols; ++k) reinterpret_cast<float*>(row)[k] = uniform(random);
      } else {  // Q8_0: f16 scale, 32 bytes
        for (int64_t b = 0; b < cols / 32; ++b) {
          const uint16_t scale = tensor::f32_to_f16(0.01f + 0.01f * uniform(random));
          std::memcpy(row + b * 34, &scale, 2);
          for (int i = 0; i < 32; ++i) row[b * 34 + 2 + i] = static_cast<std::byte>(random() & 255);
        }
      }
      std::vector<float> floats(static_cast<size_t>(cols));
      tensor::dequantize(type, row, cols, floats.data());
      for (int64_t k = 0; k < cols; ++k) values[r * cols + k] = floats[static_cast<size_t>(k)];
    }
    m = {kernels::packed_type(type), rows, cols, nullptr, nullptr, "test"};
    memory.resize(static_cast<size_t>(m.bytes()) + 64);
    auto* data = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
    for (int64_t p = 0; p < m.panels(); ++p) {
      const std::byte* source[kernels::kPanelRows];
      for (int64_t i = 0; i < kernels::kPanelRows; ++i) source[i] = p * 16 + i < rows ? file.data() + (p * 16 + i) * row_bytes : nullptr;
      kernels::pack_panel(type, source, cols, data + p * m.panel_bytes());
    }
    m.data = data;
  }
  std::vector<double> values;
  std::vector<std::byte> memory;
  Matrix m;
};

std::vector<float> random_rows(int64_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = normal(random);
  return x;
}

TEST(Linear, PartsSideBySideEqualDoubleSums) {
  constexpr int64_t kCols = 96, kTokens = 5;
  const Packed q(tensor::DType::q8_0, 40, kCols, 1), k(tensor::DType::f32, 24, kCols, 2), v(tensor::DType::q8_0, 24, kCols, 3);
  std::vector<float> bias(24);
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);
  const std::vector<float> x = random_rows(kTokens * kCols, 4);
  Matrix parts[] = {q.m, k.m, v.m};
  parts[1].bias = bias.data();
  constexpr int64_t kRow = 88;
  std::vector<float> out(kTokens * kRow);
  run_on_team(3, kernels::best(), kTokens, kCols, [&](Context& c) {
    const Activations a = quantize(c, x.data(), kTokens, kCols, true);
    linear(c, parts, a, kTokens, out.data(), kRow);
  });
  for (int64_t t = 0; t < kTokens; ++t) {
    int64_t column = 0;
    for (const Packed* p : {&q, &k, &v}) {
      for (int64_t r = 0; r < p->m.rows; ++r, ++column) {
        double want = p == &k ? bias[static_cast<size_t>(r)] : 0, size = 0;
        for (int64_t i = 0; i < kCols; ++i) {
          want += p->values[r * kCols + i] * x[t * kCols + i];
          size += std::abs(p->values[r * kCols + i] * x[t * kCols + i]);
        }
        // Block types round activations to 1/254 of the block's largest value.
        const double tolerance = p == &k ? 1e-5 * size + 1e-5 : 0.02 * size;
        EXPECT_NEAR(out[t * kRow + column], want, tolerance) << "token " << t << " column " << column;
      }
    }
  }
}

TEST(Linear, BitsDoNotDependOnThreadsOrChunks) {
  constexpr int64_t kCols = 160, kRows = 200, kTokens = 140;  // three tiles of tokens
  const Packed w(tensor::DType::q8_0, kRows, kCols, 5);
  const std::vector<float> x = random_rows(kTokens * kCols, 6), norm = random_rows(kCols, 7);
  const auto run = [&](int n_threads, int64_t chunk, int64_t tokens) {
    std::vector<float> out(static_cast<size_t>(tokens * kRows), 1.0f);
    for (int64_t t = 0; t < tokens; t += chunk) {
      const int64_t n = std::min(chunk, tokens - t);
      run_on_team(n_threads, kernels::best(), n, kCols, [&](Context& c) {
        const Activations a = normalize(c, x.data() + t * kCols, {norm.data(), nullptr, 1e-5f}, n, kCols, true);
        linear(c, w.m, a, n, out.data() + t * kRows, kRows, true);
      });
    }
    return out;
  };
  const std::vector<float> all = run(1, 1, kTokens);
  for (const int n_threads : {1, 2, 3, 4, 8}) {
    for (const int64_t chunk : {1, 3, 64, 70, 140}) {
      const int64_t tokens = std::min(kTokens, 6 * chunk);
      const std::vector<float> want(all.begin(), all.begin() + tokens * kRows);
      EXPECT_EQ(run(n_threads, chunk, tokens), want) << n_threads << " threads, chunks of " << chunk;
    }
  }
}

// The kernel table's, with `before` called first.
std::function<void()> g_before;
void watched_linear(const kernels::LinearArgs& args, int64_t p0, int64_t p1, int64_t t0, int64_t t1) {
  g_before();
  kernels::best().linear[static_cast<int>(tensor::DType::q8_0)](args, p0, p1, t0, t1);
}

TEST(Linear, AMemberWhoIsLateLeavesTheLastPiecesToOthersAndAStopEndsThem) {
  constexpr int64_t kCols = 576, kRows = 576, kTokens = 128;
  const Packed w(tensor::DType::q8_0, kRows, kCols, 12);
  const std::vector<float> x = random_rows(kTokens * kCols, 13);
  kernels::KernelTable kernels = kernels::best();
  kernels.quantize_q8_tiled = nullptr;  // AMX has tokens in wider tiles, so fewer pieces
  std::vector<float> want(kTokens * kRows), out(want.size());
  std::atomic<int> pieces{0}, size{0};
  const auto run = [&](int n_threads, runtime::StopSignal* stop, float* to) {
    return run_on_team(
        n_threads, kernels, kTokens, kCols,
        [&](Context& c) {
          const Activations a = quantize(c, x.data(), kTokens, kCols, true);
          size = c.member.size();
          linear(c, w.m, a, kTokens, to, kRows);
        },
        stop);
  };
  run(1, nullptr, want.data());
  kernels.linear[static_cast<int>(tensor::DType::q8_0)] = watched_linear;

  // The first to come waits in its first piece: all that is not a fixed share is then done by the other, once there is one.
  constexpr int kPieces = 10;  // of 18 pairs of panels for each member's tile of tokens 14 are its share; 8 units by claim
  int of_the_late = 0;
  for (int tries = 0; size < 2 && tries < 50; ++tries) {
    std::atomic<bool> first{true};
    std::atomic<std::thread::id> late{};
    std::atomic<int> more{0};
    pieces = 0;
    g_before = [&] {
      ++pieces;
      if (first.exchange(false)) {
        late = std::this_thread::get_id();
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (size == 2 && pieces < kPieces - 2 && std::chrono::steady_clock::now() < limit)
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
      } else if (late == std::this_thread::get_id()) {
        ++more;
      }
    };
    run(2, nullptr, out.data());
    EXPECT_EQ(out, want);
    of_the_late = more;
  }
  ASSERT_EQ(size.load(), 2);
  EXPECT_EQ(pieces.load(), kPieces);
  EXPECT_LE(of_the_late, 1);  // what it had claimed already

  for (const int n_threads : {1, 2, 3, 4, 8}) {
    for (const int after : {1, 2, 3, 6}) {  // pieces
      runtime::CancelFlag flag;
      runtime::StopSignal stop(&flag);
      pieces = 0;
      g_before = [&] {
        if (++pieces == after) flag.trigger(1);
      };
      const auto report = run(n_threads, &stop, out.data());
      EXPECT_LE(report.pieces_after_stop, 1u) << n_threads << " threads";
      EXPECT_LE(pieces.load(), after + n_threads - 1) << n_threads << " threads";
    }
  }
}

TEST(GateUp, IsTheActivationOfBothProducts) {
  constexpr int64_t kCols = 64, kRows = 52, kTokens = 3;
  const Packed gate(tensor::DType::f32, kRows, kCols, 8), up(tensor::DType::q8_0, kRows, kCols, 9);
  const std::vector<float> x = random_rows(kTokens * kCols, 10);
  const kernels::KernelTable& kernels = kernels::best();
  std::vector<float> fused(kTokens * kRows), scratch(kTokens * kRows), g(kTokens * kRows), u(kTokens * kRows);
  run_on_team(2, kernels, kTokens, kCols, [&](Context& c) {
    const Activations a = quantize(c, x.data(), kTokens, kCols, true);
    gate_up(c, gate.m, &up.m, kernels.silu_mul, a, kTokens, fused.data(), scratch.data());
    linear(c, gate.m, a, kTokens, g.data(), kRows);
    linear(c, up.m, a, kTokens, u.data(), kRows);
  });
  for (size_t i = 0; i < fused.size(); ++i) {
    const double want = g[i] / (1 + std::exp(-static_cast<double>(g[i]))) * u[i];
    EXPECT_NEAR(fused[i], want, 1e-5 * std::abs(want) + 1e-6);
  }
}

TEST(UnpackRow, ReadsARowBack) {
  const Packed w(tensor::DType::q8_0, 37, 64, 11);
  std::vector<float> row(64);
  for (int64_t r = 0; r < 37; ++r) {
    unpack_row(w.m, r, row.data());
    for (int64_t k = 0; k < 64; ++k) ASSERT_EQ(row[static_cast<size_t>(k)], static_cast<float>(w.values[static_cast<size_t>(r * 64 + k)]));
  }
}

}  // namespace
}  // namespace rustml::ops
