// The blocks of quantized tensors as they lie in GGUF files: little-endian, packed, no padding (asserted below).
// w is the value, q its stored integer, d and m half-precision scales. "Halves": the low nibbles of a run of bytes are
// its first values, the high nibbles the second ones.
// Source: ggml's published block layouts.
#pragma once
#include <cstdint>

namespace rustml::tensor {

struct BlockQ4_0 {  // w = d (q - 8)
  static constexpr int64_t kElements = 32;
  uint16_t d;
  uint8_t qs[16];  // halves
};

struct BlockQ4_1 {  // w = d q + m
  static constexpr int64_t kElements = 32;
  uint16_t d, m;
  uint8_t qs[16];  // halves
};

struct BlockQ5_0 {  // w = d (q - 16)
  static constexpr int64_t kElements = 32;
  uint16_t d;
  uint8_t qh[4];   // bit i: fifth bit of value i
  uint8_t qs[16];  // halves
};

struct BlockQ5_1 {  // w = d q + m
  static constexpr int64_t kElements = 32;
  uint16_t d, m;
  uint8_t qh[4];
  uint8_t qs[16];
};

struct BlockQ8_0 {  // w = d q
  static constexpr int64_t kElements = 32;
  uint16_t d;
  int8_t qs[32];
};

// The K types: 256 values in groups of 16 or 32, each with its own small integer scale.

struct BlockQ2K {  // group g of 16: w = d (scales[g] & 15) q - dmin (scales[g] >> 4)
  static constexpr int64_t kElements = 256;
  uint8_t scales[16];
  uint8_t qs[64];  // per 128 values 32 bytes: bits 2j, 2j+1 of byte i are value 32 j + i
  uint16_t d, dmin;
};

struct BlockQ3K {  // group g of 16: w = d (scale6(g) - 32) (q - 4), q of 3 bits
  static constexpr int64_t kElements = 256;
  uint8_t hmask[32];   // bit j of byte i: third bit of value 32 j + i
  uint8_t qs[64];      // low two bits, as in Q2_K
  uint8_t scales[12];  // 6 bits each: low nibbles of 0..7, high nibbles are 8..15; then 4 bytes with the top two bits
  uint16_t d;
};

struct BlockQ4K {  // group g of 32: w = d scale6(g) q - dmin min6(g)
  static constexpr int64_t kElements = 256;
  uint16_t d, dmin;
  uint8_t scales[12];  // see scale_and_min in dequantize.cpp
  uint8_t qs[128];     // per 64 values 32 bytes: halves
};

struct BlockQ5K {  // as Q4_K with a fifth bit
  static constexpr int64_t kElements = 256;
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t qh[32];  // bit g of byte i: fifth bit of value 32 g + i
  uint8_t qs[128];
};

struct BlockQ6K {  // group g of 16: w = d scales[g] (q - 32)
  static constexpr int64_t kElements = 256;
  uint8_t ql[128];  // per 128 values 64 bytes: halves, low four bits
  uint8_t qh[64];   // per 128 values 32 bytes: bits 2j, 2j+1 of byte i are the top bits of value 32 j + i
  int8_t scales[16];
  uint16_t d;
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 &&
              sizeof(BlockQ8_0) == 34);
static_assert(sizeof(BlockQ2K) == 84 && sizeof(BlockQ3K) == 110 && sizeof(BlockQ4K) == 144 && sizeof(BlockQ5K) == 176 &&
              sizeof(BlockQ6K) == 210);

}  // namespace rustml::tensor
