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

// The IQ types: the stored number is a place in a list of integers.

constexpr int8_t kIQ4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

struct BlockIQ4NL {  // w = d kIQ4Values[q]
  static constexpr int64_t kElements = 32;
  uint16_t d;
  uint8_t qs[16];  // halves
};

struct BlockIQ4XS {  // group g of 32: w = d (scale6(g) - 32) kIQ4Values[q]
  static constexpr int64_t kElements = 256;
  uint16_t d;
  uint16_t scales_h;    // bits 2 g, 2 g + 1: the top bits of scale g
  uint8_t scales_l[4];  // nibble g, the low one of a byte first: its other bits
  uint8_t qs[128];      // per group 16 bytes: halves
};

// The others store places in grids: of eight values (IQ3: four) at once their magnitudes, each a digit of a member of the grid. Signs lie
// beside them. What a value's number then is: digit, and behind it the sign as the next bit (IQ1: the sign of an eighth that is added to
// values -1, 0, 1). w = d kUnit scale kValues[number], the scale 2 s + 1 for each 16 or 32 values. See grid_blocks.cpp.

constexpr int8_t kIQ3SValues[16] = {1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};
constexpr int8_t kIQ3XXSValues[16] = {4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62};
constexpr int8_t kIQ2Values[8] = {8, 25, 43, 0, -8, -25, -43, 0};  // there is no digit 3
constexpr int8_t kIQ1Values[8] = {-7, 1, 9, 0, -9, -1, 7, 0};      // eighths

struct BlockIQ3S {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1;
  static constexpr auto& kValues = kIQ3SValues;
  uint16_t d;
  uint8_t qs[64];  // low eight bits of 64 places in a grid of 512 x 4 values
  uint8_t qh[8];   // their ninth bits
  uint8_t signs[32];
  uint8_t scales[4];  // a nibble for each 32 values
};

struct BlockIQ3XXS {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1 / 4.0f;
  static constexpr auto& kValues = kIQ3XXSValues;
  uint16_t d;
  uint8_t qs[64];              // 64 places in a grid of 256 x 4 values
  uint8_t scales_signs[8][4];  // per 32 values a number of 32 bits: four times 7 bits of signs, then 4 of the scale
};

struct BlockIQ2S {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1 / 8.0f;
  static constexpr auto& kValues = kIQ2Values;
  uint16_t d;
  uint8_t qs[32];  // low eight bits of 32 places in a grid of 1,024 x 8 values
  uint8_t signs[32];
  uint8_t qh[8];      // their upper two bits
  uint8_t scales[8];  // a nibble for each 16 values
};

struct BlockIQ2XS {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1 / 8.0f;
  static constexpr auto& kValues = kIQ2Values;
  uint16_t d;
  uint16_t qs[32];    // 9 bits: place in a grid of 512 x 8 values; 7 bits of signs
  uint8_t scales[8];  // a nibble for each 16 values
};

struct BlockIQ2XXS {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1 / 8.0f;
  static constexpr auto& kValues = kIQ2Values;
  uint16_t d;
  struct {
    uint8_t qs[4];           // places in a grid of 256 x 8 values
    uint8_t scale_signs[4];  // as scales_signs of IQ3_XXS
  } groups[8];               // of 32 values
};

struct BlockIQ1S {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1 / 8.0f;
  static constexpr auto& kValues = kIQ1Values;
  uint16_t d;
  uint8_t qs[32];  // low eight bits of 32 places in a grid of 2,048 x 8 values
  uint16_t qh[8];  // per 32 values: four times the upper three bits, 3 bits of the scale, the sign of the eighth
};

struct BlockIQ1M {
  static constexpr int64_t kElements = 256;
  static constexpr float kUnit = 1 / 8.0f;
  static constexpr auto& kValues = kIQ1Values;
  uint8_t qs[32];
  uint8_t qh[16];      // a nibble for each 8 values: the upper three bits, the sign of the eighth
  uint16_t scales[4];  // four times 3 bits, for 16 values each; the top nibbles together are d
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 &&
              sizeof(BlockQ8_0) == 34);
static_assert(sizeof(BlockQ2K) == 84 && sizeof(BlockQ3K) == 110 && sizeof(BlockQ4K) == 144 && sizeof(BlockQ5K) == 176 &&
              sizeof(BlockQ6K) == 210);
static_assert(sizeof(BlockIQ4NL) == 18 && sizeof(BlockIQ4XS) == 136 && sizeof(BlockIQ3S) == 110 && sizeof(BlockIQ3XXS) == 98 &&
              sizeof(BlockIQ2S) == 82 && sizeof(BlockIQ2XS) == 74 && sizeof(BlockIQ2XXS) == 66 && sizeof(BlockIQ1S) == 50 &&
              sizeof(BlockIQ1M) == 56);

}  // namespace rustml::tensor
