#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <set>

namespace rustml::tensor {
namespace {

TEST(DType, TableOfTheGgufSpecification) {  // id, name, values and bytes per block, as in ggml's type traits
  const struct {
    int32_t id;
    const char* name;
    int64_t elements, bytes;
  } kTable[] = {{0, "F32", 1, 4},         {1, "F16", 1, 2},       {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
                {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},    {8, "Q8_0", 32, 34},      {10, "Q2_K", 256, 84},
                {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144}, {13, "Q5_K", 256, 176},   {14, "Q6_K", 256, 210},
                {30, "BF16", 1, 2},       {20, "IQ4_NL", 32, 18}, {23, "IQ4_XS", 256, 136}, {21, "IQ3_S", 256, 110},
                {18, "IQ3_XXS", 256, 98}, {22, "IQ2_S", 256, 82}, {17, "IQ2_XS", 256, 74},  {16, "IQ2_XXS", 256, 66},
                {19, "IQ1_S", 256, 50},   {29, "IQ1_M", 256, 56}};
  static_assert(std::size(kTable) == kDTypeCount);
  std::set<DType> seen;
  for (const auto& row : kTable) {
    const auto dtype = from_ggml_type(row.id);
    ASSERT_TRUE(dtype.has_value()) << row.name;
    EXPECT_EQ(info(*dtype).dtype, *dtype);
    EXPECT_EQ(info(*dtype).name, row.name);
    EXPECT_EQ(info(*dtype).ggml_type, row.id);
    EXPECT_EQ(info(*dtype).block_elements, row.elements);
    EXPECT_EQ(info(*dtype).block_bytes, row.bytes);
    EXPECT_EQ(row_bytes(*dtype, 512 * 3), 512 * 3 / row.elements * row.bytes);
    seen.insert(*dtype);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(kDTypeCount));
}

TEST(DType, OtherIdsAreNone) {
  for (const int32_t id : {-1, 4, 5, 9, 15, 24, 27, 28, 31, 34, 39, 99, INT32_MAX, INT32_MIN}) EXPECT_FALSE(from_ggml_type(id)) << id;
}

}  // namespace
}  // namespace rustml::tensor
