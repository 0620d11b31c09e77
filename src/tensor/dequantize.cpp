// The scalar reference of every block type: what a stored tensor means, in float32 with each operation rounded once
// (-ffp-contract=off). Layouts: block.h.
#include <bit>
#include <cstring>

#include "tensor/block.h"
#include "tensor/dtype.h"

namespace rustml::tensor {
namespace {

int low_nibble(uint8_t byte) { return byte & 15; }
int high_nibble(uint8_t byte) { return byte >> 4; }

void decode(const BlockQ4_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(low_nibble(block.qs[i]) - 8);
    out[i + 16] = d * static_cast<float>(high_nibble(block.qs[i]) - 8);
  }
}

void decode(const BlockQ4_1& block, float* out) {
  const float d = f16_to_f32(block.d), m = f16_to_f32(block.m);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(low_nibble(block.qs[i])) + m;
    out[i + 16] = d * static_cast<float>(high_nibble(block.qs[i])) + m;
  }
}

int fifth_bit(const uint8_t qh[4], int i) { return (qh[i / 8] >> i % 8 & 1) << 4; }

void decode(const BlockQ5_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((low_nibble(block.qs[i]) | fifth_bit(block.qh, i)) - 16);
    out[i + 16] = d * static_cast<float>((high_nibble(block.qs[i]) | fifth_bit(block.qh, i + 16)) - 16);
  }
}

void decode(const BlockQ5_1& block, float* out) {
  const float d = f16_to_f32(block.d), m = f16_to_f32(block.m);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(low_nibble(block.qs[i]) | fifth_bit(block.qh, i)) + m;
    out[i + 16] = d * static_cast<float>(high_nibble(block.qs[i]) | fifth_bit(block.qh, i + 16)) + m;
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

void decode(const BlockQ4K& block, float* out) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const auto [scale, min] = scale_and_min(block.scales, i / 32);
    out[i] = d * scale * static_cast<float>(four_bits(block.qs, i)) - dmin * min;
  }
}

void decode(const BlockQ5K& block, float* out) {
  const float d = f16_to_f32(block.d), dmin = f16_to_f32(block.dmin);
  for (int i = 0; i < 256; ++i) {
    const auto [scale, min] = scale_and_min(block.scales, i / 32);
    const int fifth = (block.qh[i % 32] >> i / 32 & 1) << 4;
    out[i] = d * scale * static_cast<float>(four_bits(block.qs, i) | fifth) - dmin * min;
  }
}

void decode(const BlockQ6K& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 256; ++i) {
    const uint8_t byte = block.ql[i / 128 * 64 + i % 64];
    const int low = i / 64 % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
    const int q = (low | two_bits(block.qh, i) << 4) - 32;
    out[i] = d * static_cast<float>(block.scales[i / 16]) * static_cast<float>(q);
  }
}

template <class Block>
void decode_blocks(const std::byte* src, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += Block::kElements, src += sizeof(Block)) {
    Block block;
    std::memcpy(&block, src, sizeof block);  // files align blocks to nothing
    decode(block, out + i);
  }
}

template <class Convert>
void convert_halves(const std::byte* src, int64_t n, float* out, Convert convert) {
  for (int64_t i = 0; i < n; ++i) {
    uint16_t bits;
    std::memcpy(&bits, src + 2 * i, sizeof bits);
    out[i] = convert(bits);
  }
}

}  // namespace

void dequantize(DType dtype, const std::byte* src, int64_t n, float* out) {
  if (n == 0) return;
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, src, static_cast<size_t>(n) * sizeof(float));
      return;
    case DType::f16:
      return convert_halves(src, n, out, f16_to_f32);
    case DType::bf16:
      return convert_halves(src, n, out, [](uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); });
    case DType::q4_0:
      return decode_blocks<BlockQ4_0>(src, n, out);
    case DType::q4_1:
      return decode_blocks<BlockQ4_1>(src, n, out);
    case DType::q5_0:
      return decode_blocks<BlockQ5_0>(src, n, out);
    case DType::q5_1:
      return decode_blocks<BlockQ5_1>(src, n, out);
    case DType::q8_0:
      return decode_blocks<BlockQ8_0>(src, n, out);
    case DType::q2_k:
      return decode_blocks<BlockQ2K>(src, n, out);
    case DType::q3_k:
      return decode_blocks<BlockQ3K>(src, n, out);
    case DType::q4_k:
      return decode_blocks<BlockQ4K>(src, n, out);
    case DType::q5_k:
      return decode_blocks<BlockQ5K>(src, n, out);
    case DType::q6_k:
      return decode_blocks<BlockQ6K>(src, n, out);
  }
}

}  // namespace rustml::tensor
