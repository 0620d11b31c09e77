// Against PyPI `gguf` as dequantize_test.cpp, but every place of every grid, by checksums.
#include "tensor/grid_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "tensor/dtype.h"

namespace rustml::tensor {
namespace {

uint32_t crc32(const void* bytes, size_t n) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < n; ++i) {
    crc ^= static_cast<const uint8_t*>(bytes)[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// Every place of every grid: 1,024 blocks of a generator's bytes have them all. The sums are what make_reference.py prints.
TEST(GridBlocks, EveryPlaceOfEveryGrid) {
  constexpr std::pair<DType, uint32_t> kSums[] = {{DType::iq3_s, 0x8b71d838},  {DType::iq3_xxs, 0xb05f38d4}, {DType::iq2_s, 0xcc224704},
                                                  {DType::iq2_xs, 0x290b716a}, {DType::iq2_xxs, 0xf8024a4f}, {DType::iq1_s, 0xc97e36b5},
                                                  {DType::iq1_m, 0x11b1cdef}};
  constexpr size_t kBlocks = 1024;
  for (const auto& [type, sum] : kSums) {
    const auto block_bytes = static_cast<size_t>(info(type).block_bytes);
    std::vector<uint8_t> bytes(kBlocks * block_bytes);
    uint32_t state = 1;
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    for (size_t b = 0; b < kBlocks; ++b) {  // all scales are 1.0: 0x3c00
      uint8_t* block = bytes.data() + b * block_bytes;
      for (size_t i = 0; i < 4 && type == DType::iq1_m; ++i)
        block[48 + 2 * i + 1] = (block[48 + 2 * i + 1] & 15) | (0x3c00 >> 4 * i & 15) << 4;
      if (type != DType::iq1_m) block[0] = 0, block[1] = 0x3c;
    }
    std::vector<float> values(kBlocks * 256);
    dequantize(type, reinterpret_cast<const std::byte*>(bytes.data()), static_cast<int64_t>(values.size()), values.data());
    EXPECT_EQ(crc32(values.data(), values.size() * sizeof(float)), sum) << info(type).name;
  }
}

// All bits of a block are valid but those of a scale that is not finite, and then no value is: that is what loading looks for.
TEST(GridBlocks, ScalesThatAreNotFiniteStayVisible) {
  for (const DType type : {DType::iq3_s, DType::iq3_xxs, DType::iq2_s, DType::iq2_xs, DType::iq2_xxs, DType::iq1_s, DType::iq1_m}) {
    for (const int scale : {0x7c00, 0x7e00, 0xfc00}) {
      std::vector<uint8_t> block(static_cast<size_t>(info(type).block_bytes));
      block[0] = static_cast<uint8_t>(scale & 0xff), block[1] = static_cast<uint8_t>(scale >> 8);
      for (size_t i = 0; i < 4 && type == DType::iq1_m; ++i) block[48 + 2 * i + 1] = static_cast<uint8_t>((scale >> 4 * i & 15) << 4);
      float values[256];
      dequantize(type, reinterpret_cast<const std::byte*>(block.data()), 256, values);
      for (const float value : values) ASSERT_FALSE(std::isfinite(value)) << info(type).name << " " << scale;
    }
  }
}

}  // namespace
}  // namespace rustml::tensor
