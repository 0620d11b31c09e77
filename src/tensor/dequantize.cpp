// The scalar reference of every block type: what a stored tensor means, in float32 with each operation rounded once
// (-ffp-contract=off). Layouts: block.h.
#include <bit>
#include <cstring>

#include "tensor/block.h"
#include "tensor/dtype.h"
#include "tensor/grid_blocks.h"

namespace rustml::tensor {
namespace {

int low_nibble(uint8_t byte) { return byte & 15; }
int high_nibble(uint8_t byte) { return byte >> 4; }

int fifth_bit(const uint8_t qh[4], int i) { return (qh[i / 8] >> i % 8 & 1) << 4; }

// Q4_0, Q4_1, Q5_0, Q5_1
template <class Block>
void decode(const Block& block, float* out) {
  constexpr bool kFifth = requires { block.qh; };
  constexpr bool kMinimum = requires { block.m; };
  const float d = f16_to_f32(block.d);
  float m = 0;
  if constexpr (kMinimum) m = f16_to_f32(block.m);
  const auto value = [&](int q, int i) {
    if constexpr (kFifth) q |= fifth_bit(block.qh, i);
    return kMinimum ? d * static_cast<float>(q) + m : d * static_cast<float>(q - (kFifth ? 16 : 8));
  };
  for (int i = 0; i < 16; ++i) {
    out[i] = value(low_nibble(block.qs[i]), i);
    out[i + 16] = value(high_nibble(block.qs[i]), i + 16);
  }
}

void decode(const BlockQ8_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

// Value i of a K block's two-bit plane qs[64].
int two_bits(const uint8_t* qs, int i) { return qs[i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3; }

void decode(const BlockQ2K& block, float* out) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const uint8_t scale = block.scales[i / 16];
    out[i] = d * static_cast<float>(low_nibble(scale)) * static_cast<float>(two_bits(block.qs, i)) -
             dmin * static_cast<float>(high_nibble(scale));
  }
}

void decode(const BlockQ3K& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 256; ++i) {
    const int g = i / 16;
    const int low = g < 8 ? low_nibble(block.scales[g]) : high_nibble(block.scales[g - 8]);
    const int high = block.scales[8 + g % 4] >> g / 4 * 2 & 3;
    const int third = block.hmask[i % 32] >> i / 32 & 1;
    const int q = (two_bits(block.qs, i) | third << 2) - 4;
    out[i] = d * static_cast<float>((low | high << 4) - 32) * static_cast<float>(q);
  }
}

struct ScaleAndMin {
  float scale, min;
};

// Scales and minima of the eight groups of Q4_K and Q5_K, 6 bits each, in 12 bytes: groups 0..3 have the low six bits of
// bytes g (scale) and g + 4 (minimum); groups 4..7 the nibbles of byte g + 4 (scale low, minimum high), and their
// upper two bits are the top bits of bytes g - 4 and g.
ScaleAndMin scale_and_min(const uint8_t scales[12], int g) {
  if (g < 4) return {static_cast<float>(scales[g] & 63), static_cast<float>(scales[g + 4] & 63)};
  return {static_cast<float>(low_nibble(scales[g + 4]) | scales[g - 4] >> 6 << 4),
          static_cast<float>(high_nibble(scales[g + 4]) | scales[g] >> 6 << 4)};
}

// Value i of a K block's nibble plane qs[128].
int four_bits(const uint8_t* qs, int i) {
  const uint8_t byte = qs[i / 64 * 32 + i % 32];
  return i / 32 % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
}

template <class Block>
void decode_with_minima(const Block& block, float* out) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const auto [scale, min] = scale_and_min(block.scales, i / 32);
    int q = four_bits(block.qs, i);
    if constexpr (requires { block.qh; }) q |= (block.qh[i % 32] >> i / 32 & 1) << 4;
    out[i] = d * scale * static_cast<float>(q) - dmin * min;
  }
}
void decode(const BlockQ4K& block, float* out) { decode_with_minima(block, out); }
void decode(const BlockQ5K& block, float* out) { decode_with_minima(block, out); }

void decode(const BlockQ6K& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 256; ++i) {
    const uint8_t byte = block.ql[i / 128 * 64 + i % 64];
    const int low = i / 64 % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
    const int q = (low | two_bits(block.qh, i) << 4) - 32;
    out[i] = d * static_cast<float>(block.scales[i / 16]) * static_cast<float>(q);
  }
}

void decode_iq4(float scale, const uint8_t qs[16], float* out) {
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(kIQ4Values[low_nibble(qs[i])]);
    out[i + 16] = scale * static_cast<float>(kIQ4Values[high_nibble(qs[i])]);
  }
}
void decode(const BlockIQ4NL& block, float* out) { decode_iq4(f16_to_f32(block.d), block.qs, out); }

void decode(const BlockIQ4XS& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int g = 0; g < 8; ++g) {
    const int low = block.scales_l[g / 2] >> g % 2 * 4 & 15, high = block.scales_h >> 2 * g & 3;
    decode_iq4(d * static_cast<float>((low | high << 4) - 32), block.qs + 16 * g, out + 32 * g);
  }
}

template <class Block>
requires requires { Block::kUnit; }
void decode(const Block& block, float* out) {
  const GridBlock grid = read_grid_block(block);
  const float d = f16_to_f32(grid.d) * Block::kUnit;
  for (int i = 0; i < 256; ++i) out[i] = d * static_cast<float>(grid.scales[i / 16]) * static_cast<float>(Block::kValues[grid.numbers[i]]);
}

template <class Block>
void decode_blocks(const std::byte* src, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += Block::kElements, src += sizeof(Block)) {
    Block block;
    std::memcpy(&block, src, sizeof block);  // files align blocks to nothing
    decode(block, out + i);
  }
}

template <float (*convert)(uint16_t bits)>
void convert_halves(const std::byte* src, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    uint16_t bits;
    std::memcpy(&bits, src + 2 * i, sizeof bits);
    out[i] = convert(bits);
  }
}

float bf16_to_f32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

void copy_floats(const std::byte* src, int64_t n, float* out) { std::memcpy(out, src, static_cast<size_t>(n) * sizeof(float)); }

using Dequantize = void (*)(const std::byte* src, int64_t n, float* out);
constexpr Dequantize kByType[kDTypeCount] = {
    copy_floats,
    convert_halves<f16_to_f32>,
    convert_halves<bf16_to_f32>,
    decode_blocks<BlockQ4_0>,
    decode_blocks<BlockQ4_1>,
    decode_blocks<BlockQ5_0>,
    decode_blocks<BlockQ5_1>,
    decode_blocks<BlockQ8_0>,
    decode_blocks<BlockQ2K>,
    decode_blocks<BlockQ3K>,
    decode_blocks<BlockQ4K>,
    decode_blocks<BlockQ5K>,
    decode_blocks<BlockQ6K>,
    decode_blocks<BlockIQ4NL>,
    decode_blocks<BlockIQ4XS>,
    decode_blocks<BlockIQ3S>,
    decode_blocks<BlockIQ3XXS>,
    decode_blocks<BlockIQ2S>,
    decode_blocks<BlockIQ2XS>,
    decode_blocks<BlockIQ2XXS>,
    decode_blocks<BlockIQ1S>,
    decode_blocks<BlockIQ1M>,
};

}  // namespace

void dequantize(DType dtype, const std::byte* src, int64_t n, float* out) {
  if (n > 0) kByType[static_cast<size_t>(dtype)](src, n, out);
}

}  // namespace rustml::tensor
