// How block types lie in packed panels of 16 rows: what packed.cpp writes and every target reads.
//
// A panel is a sequence of units: 32 k, or 256 k for the K types. A unit is a header, then the quants of its blocks of 32 k.
//  Header: 16 f16 d; then, if the type has minima, 16 f16 m (K types: -dmin), else for K types 32 bytes of zeros. K types go on
//  with one signed byte per row for every sub-block's scale, [256 / sub][16], then likewise for every sub-block's minimum.
//  A sub-block's scale is d, or d times its byte: exact in float32 (11 and 7 bits); its minimum likewise.
//  Quants: unsigned integers of 8, 6, 5, 4, 3 or 2 bits as vectors of [16 rows][4 k] bytes, k-group g being k = 4 g .. 4 g + 3.
//   8 bits: 8 vectors, one per group.
//   Else the bits are cut into 4 + 2 + 1, from the lowest up, and each part that the type has follows the one before:
//    4 vectors of nibbles (vector i: group i low, group i + 4 high), 2 of pairs (vector i: group 4 i + j at bits 2 j, 2 j + 1),
//    1 of single bits (group g at bit g).
//  The weight is scale * (integer - zero) + minimum. Types with a codebook store the integer's place in it.
#pragma once
#include <cstdint>

#include "tensor/block.h"
#include "tensor/dtype.h"

namespace rustml::kernels {

struct Codebook {  // the integers that stored numbers stand for
  uint8_t of[16];
};

struct Layout {
  int bits;     // of a stored number; 0: not a block type
  int sub;      // values that share a scale: 32 or 16
  bool super;   // units of 256 with scales of their own for sub-blocks
  bool minima;  //
  int zero;
  const Codebook* codebook = nullptr;  // null: a stored number is the integer
  int integer_bits = bits;             // of an integer

  constexpr int blocks() const { return super ? 8 : 1; }          // of 32, in a unit
  constexpr int subs() const { return 32 / sub; }                 // in a block of 32
  constexpr int scales() const { return super ? 256 / sub : 0; }  // bytes per row and kind in the header
  constexpr int64_t header_bytes() const { return super ? 64 + 16 * scales() * (minima ? 2 : 1) : minima ? 64 : 32; }
  constexpr int64_t block_bytes() const { return int64_t{64} * bits; }
  constexpr int64_t unit_bytes() const { return header_bytes() + blocks() * block_bytes(); }
};

constexpr Codebook kIQ4Codebook = [] {
  Codebook book{};
  for (int i = 0; i < 16; ++i) book.of[i] = static_cast<uint8_t>(tensor::kIQ4Values[i] + 128);
  return book;
}();

constexpr Layout layout_of(tensor::DType type) {
  using tensor::DType;
  switch (type) {
    case DType::q4_0: return {4, 32, false, false, 8};
    case DType::q4_1: return {4, 32, false, true, 0};
    case DType::q5_0: return {5, 32, false, false, 16};
    case DType::q5_1: return {5, 32, false, true, 0};
    case DType::q8_0: return {8, 32, false, false, 128};
    case DType::q2_k: return {2, 16, true, true, 0};
    case DType::q3_k: return {3, 16, true, false, 4};
    case DType::q4_k: return {4, 32, true, true, 0};
    case DType::q5_k: return {5, 32, true, true, 0};
    case DType::q6_k: return {6, 16, true, false, 32};
    case DType::iq4_nl: return {4, 32, false, false, 128, &kIQ4Codebook, 8};
    case DType::iq4_xs: return {4, 32, true, false, 128, &kIQ4Codebook, 8};
    default: return {};
  }
}

}  // namespace rustml::kernels
