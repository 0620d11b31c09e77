#include "tensor/dtype.h"

#include <algorithm>
#include <array>

#include "tensor/block.h"

namespace rustml::tensor {
namespace {

template <class Block>
constexpr DTypeInfo block_type(DType dtype, std::string_view name, int32_t ggml_type) {
  return {dtype, name, ggml_type, Block::kElements, static_cast<int64_t>(sizeof(Block))};
}

// Row i describes the DType of value i.
constexpr std::array<DTypeInfo, kDTypeCount> kTypes = {{
    {DType::f32, "F32", 0, 1, 4},
    {DType::f16, "F16", 1, 1, 2},
    {DType::bf16, "BF16", 30, 1, 2},
    block_type<BlockQ4_0>(DType::q4_0, "Q4_0", 2),
    block_type<BlockQ4_1>(DType::q4_1, "Q4_1", 3),
    block_type<BlockQ5_0>(DType::q5_0, "Q5_0", 6),
    block_type<BlockQ5_1>(DType::q5_1, "Q5_1", 7),
    block_type<BlockQ8_0>(DType::q8_0, "Q8_0", 8),
    block_type<BlockQ2K>(DType::q2_k, "Q2_K", 10),
    block_type<BlockQ3K>(DType::q3_k, "Q3_K", 11),
    block_type<BlockQ4K>(DType::q4_k, "Q4_K", 12),
    block_type<BlockQ5K>(DType::q5_k, "Q5_K", 13),
    block_type<BlockQ6K>(DType::q6_k, "Q6_K", 14),
    block_type<BlockIQ4NL>(DType::iq4_nl, "IQ4_NL", 20),
    block_type<BlockIQ4XS>(DType::iq4_xs, "IQ4_XS", 23),
    block_type<BlockIQ3S>(DType::iq3_s, "IQ3_S", 21),
    block_type<BlockIQ3XXS>(DType::iq3_xxs, "IQ3_XXS", 18),
    block_type<BlockIQ2S>(DType::iq2_s, "IQ2_S", 22),
    block_type<BlockIQ2XS>(DType::iq2_xs, "IQ2_XS", 17),
    block_type<BlockIQ2XXS>(DType::iq2_xxs, "IQ2_XXS", 16),
    block_type<BlockIQ1S>(DType::iq1_s, "IQ1_S", 19),
    block_type<BlockIQ1M>(DType::iq1_m, "IQ1_M", 29),
}};

static_assert(kTypes[0].dtype == DType{} && std::adjacent_find(kTypes.begin(), kTypes.end(), [](const auto& row, const auto& next) {
                                              return static_cast<int>(next.dtype) != static_cast<int>(row.dtype) + 1;
                                            }) == kTypes.end());

}  // namespace

const DTypeInfo& info(DType dtype) noexcept { return kTypes[static_cast<size_t>(dtype)]; }

std::optional<DType> from_ggml_type(int32_t id) noexcept {
  for (const DTypeInfo& type : kTypes) {
    if (type.ggml_type == id) return type.dtype;
  }
  return std::nullopt;
}

}  // namespace rustml::tensor
