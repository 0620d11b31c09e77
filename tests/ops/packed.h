// Made weights and inputs for the tests of this room.
#pragma once
#include <cstring>
#include <random>
#include <vector>

#include "ops/context.h"

namespace rustml::ops {

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
    m = {type, rows, cols, nullptr, nullptr, "test"};
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

inline std::vector<float> random_rows(int64_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = normal(random);
  return x;
}

}  // namespace rustml::ops
