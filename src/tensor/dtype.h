// The block types of GGUF files: names, ids, sizes. Layouts of the blocks are in block.h.
// Source: the GGUF specification and ggml's published block layouts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rustml::tensor {

enum class DType : uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  iq3_s,
  iq3_xxs,
  iq2_s,
  iq2_xs,
  iq2_xxs,
  iq1_s,
  iq1_m
};
constexpr int kDTypeCount = 22;

struct DTypeInfo {
  DType dtype;
  std::string_view name;   // "Q4_1"
  int32_t ggml_type;       // id in GGUF files
  int64_t block_elements;  // values per block: 1, 32 or 256
  int64_t block_bytes;
};

const DTypeInfo& info(DType dtype) noexcept;
std::optional<DType> from_ggml_type(int32_t id) noexcept;
// Bytes of `elements` values, a multiple of block_elements.
inline int64_t row_bytes(DType t, int64_t elements) noexcept { return elements / info(t).block_elements * info(t).block_bytes; }

// The scalar reference. `src`: n / block_elements blocks; n a multiple of block_elements.
void dequantize(DType dtype, const std::byte* src, int64_t n, float* out);
// The other way, n a multiple of block_elements, for types that can_quantize: float types round to nearest even; q8_0, q4_0,
// q4_1, q5_0 and q5_1 get the bytes that ggml's reference (and the PyPI package `gguf`) writes. A block with a value that is
// not finite gets a scale of NaN.
bool can_quantize(DType dtype) noexcept;
void quantize(DType dtype, const float* src, int64_t n, std::byte* dst);
float f16_to_f32(uint16_t bits) noexcept;
uint16_t f32_to_f16(float value) noexcept;  // round to nearest even

}  // namespace rustml::tensor
