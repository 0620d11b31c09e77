// Byte for byte against the PyPI package `gguf`: quantize_reference.bin, written by make_quantize_reference.py.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <vector>

#include "tensor/dtype.h"

namespace rustml::tensor {
namespace {

template <class T>
T take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

TEST(Quantize, EveryTypeEqualsTheReference) {
  std::ifstream in(RUSTML_TEST_DATA "/quantize_reference.bin", std::ios::binary);
  const std::string data{std::istreambuf_iterator<char>(in), {}};
  const char* at = data.data();
  std::vector<float> values(take<uint32_t>(at));
  std::memcpy(values.data(), at, values.size() * sizeof(float));
  at += values.size() * sizeof(float);
  int types = 0;
  for (; at < data.data() + data.size(); ++types) {
    const DTypeInfo& type = info(from_ggml_type(take<int32_t>(at)).value());
    std::vector<std::byte> want(take<uint32_t>(at)), got(want.size() + 1, std::byte{0x5a});
    std::memcpy(want.data(), at, want.size());
    at += want.size();
    ASSERT_TRUE(can_quantize(type.dtype));
    ASSERT_EQ(row_bytes(type.dtype, static_cast<int64_t>(values.size())), static_cast<int64_t>(want.size()));
    quantize(type.dtype, values.data(), static_cast<int64_t>(values.size()), got.data());
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(got[i], want[i]) << type.name << " block " << i / static_cast<size_t>(type.block_bytes) << " byte "
                                 << i % static_cast<size_t>(type.block_bytes);
    }
    EXPECT_EQ(got.back(), std::byte{0x5a}) << type.name;
    quantize(type.dtype, nullptr, 0, nullptr);
  }
  EXPECT_EQ(types, 7);
}

TEST(Quantize, WhatIsNotFiniteStaysVisible) {
  for (const DType dtype : {DType::q8_0, DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1}) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      std::vector<float> x(64, 0.5f), y(64);
      x[37] = bad;
      std::vector<std::byte> blocks(static_cast<size_t>(row_bytes(dtype, 64)));
      quantize(dtype, x.data(), 64, blocks.data());
      dequantize(dtype, blocks.data(), 64, y.data());
      EXPECT_NEAR(y[0], 0.5f, 0.04f) << info(dtype).name;
      EXPECT_TRUE(std::isnan(y[37])) << info(dtype).name;
    }
  }
}

TEST(Quantize, KTypesCannot) {
  for (const DType dtype : {DType::q2_k, DType::q3_k, DType::q4_k, DType::q5_k, DType::q6_k}) EXPECT_FALSE(can_quantize(dtype));
}

}  // namespace
}  // namespace rustml::tensor
