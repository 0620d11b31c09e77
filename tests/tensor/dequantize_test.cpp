// Bit for bit against the PyPI package `gguf`: dequantize_reference.bin, written by make_reference.py.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include "tensor/dtype.h"

namespace rustml::tensor {
namespace {

struct Reference {
  DType dtype;
  std::vector<std::byte> blocks;
  std::vector<float> values;
};

std::vector<Reference> read_references() {
  std::ifstream in(RUSTML_TEST_DATA "/dequantize_reference.bin", std::ios::binary);
  const std::string data{std::istreambuf_iterator<char>(in), {}};
  std::vector<Reference> references;
  for (size_t at = 0; at < data.size();) {
    uint32_t head[3];  // ggml type, values, bytes
    std::memcpy(head, data.data() + at, sizeof head);
    at += sizeof head;
    Reference reference{from_ggml_type(static_cast<int32_t>(head[0])).value(), std::vector<std::byte>(head[2]),
                        std::vector<float>(head[1])};
    std::memcpy(reference.blocks.data(), data.data() + at, head[2]);
    std::memcpy(reference.values.data(), data.data() + at + head[2], head[1] * sizeof(float));
    at += head[2] + head[1] * sizeof(float);
    references.push_back(std::move(reference));
  }
  return references;
}

TEST(Dequantize, EveryTypeEqualsTheReference) {
  std::set<DType> seen;
  for (const Reference& reference : read_references()) {
    const DTypeInfo& type = info(reference.dtype);
    const auto n = static_cast<int64_t>(reference.values.size());
    ASSERT_EQ(row_bytes(reference.dtype, n), static_cast<int64_t>(reference.blocks.size())) << type.name;
    std::vector<float> got(reference.values.size());
    dequantize(reference.dtype, reference.blocks.data(), n, got.data());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(reference.values[i]))
          << type.name << " value " << i << ": " << got[i] << ", reference " << reference.values[i];
    }
    seen.insert(reference.dtype);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(kDTypeCount));
}

TEST(Dequantize, BlocksMayLieAnywhereAndNothingElseIsTouched) {
  for (const Reference& reference : read_references()) {
    const DTypeInfo& type = info(reference.dtype);
    std::vector<std::byte> shifted(static_cast<size_t>(type.block_bytes) + 1);
    std::memcpy(shifted.data() + 1, reference.blocks.data(), static_cast<size_t>(type.block_bytes));
    std::vector<float> got(static_cast<size_t>(type.block_elements) + 1, 12345.0f);
    dequantize(reference.dtype, shifted.data() + 1, type.block_elements, got.data());
    EXPECT_EQ(std::memcmp(got.data(), reference.values.data(), static_cast<size_t>(type.block_elements) * sizeof(float)), 0) << type.name;
    EXPECT_EQ(got.back(), 12345.0f) << type.name;
    dequantize(reference.dtype, nullptr, 0, nullptr);
  }
}

}  // namespace
}  // namespace rustml::tensor
