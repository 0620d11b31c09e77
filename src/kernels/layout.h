// How block types lie in packed panels of 16 rows: what packed.cpp writes and every target reads.
//
// A panel is a sequence of units: 32 k, or 256 k for types with blocks of 256 (here: K types). A unit is a header, then the quants of its
// blocks of 32 k.
//  Header: 16 f16 d; then, if the type has minima, 16 f16 m (K types: -dmin), else for K types 32 bytes of zeros. K types go on
//  with one signed byte per row for every sub-block's scale, [256 / sub][16], then likewise for every sub-block's minimum.
//  A sub-block's scale is d, or d times its byte and `unit`: exact in float32 (11 and 7 bits); its minimum likewise.
//  Quants: unsigned integers of 8, 6, 5, 4, 3 or 2 bits as vectors of [16 rows][4 k] bytes, k-group g being k = 4 g .. 4 g + 3.
//   8 bits: 8 vectors, one per group.
//   Else the bits are cut into 4 + 2 + 1, from the lowest up, and each part that the type has follows the one before:
//    4 vectors of nibbles (vector i: group i low, group i + 4 high), 2 of pairs (vector i: group 4 i + j at bits 2 j, 2 j + 1),
//    1 of single bits (group g at bit g).
//  The weight is scale * (integer - zero) + minimum. Types with a codebook store the integer's place in it; those
//  with grids (IQ3, IQ2, IQ1), which files hold as places of eight or four values at once, are looked up in them as they are packed.
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
  float unit = 1;                      // a power of two that d is multiplied by

  constexpr int blocks() const { return super ? 8 : 1; }          // of 32, in a unit
  constexpr int subs() const { return 32 / sub; }                 // in a block of 32
  constexpr int scales() const { return super ? 256 / sub : 0; }  // bytes per row and kind in the header
  constexpr int64_t header_bytes() const { return super ? 64 + 16 * scales() * (minima ? 2 : 1) : minima ? 64 : 32; }
  constexpr int64_t block_bytes() const { return int64_t{64} * bits; }
  constexpr int64_t unit_bytes() const { return header_bytes() + blocks() * block_bytes(); }
};

template <size_t n>
constexpr Codebook codebook(const int8_t (&values)[n], int zero) {
  Codebook book{};
  for (size_t i = 0; i < n; ++i) book.of[i] = static_cast<uint8_t>(values[i] + zero);
  return book;
}
constexpr Codebook kIQ4Codebook = codebook(tensor::kIQ4Values, 128), kIQ3SCodebook = codebook(tensor::kIQ3SValues, 15),
                   kIQ3XXSCodebook = codebook(tensor::kIQ3XXSValues, 62), kIQ2Codebook = codebook(tensor::kIQ2Values, 43),
                   kIQ1Codebook = codebook(tensor::kIQ1Values, 9);

// Types that lie in panels alike share kernels: the first of them.
constexpr tensor::DType panel_form(tensor::DType type) {
  using tensor::DType;
  if (type == DType::iq2_xs || type == DType::iq2_xxs) return DType::iq2_s;
  if (type == DType::iq1_m) return DType::iq1_s;
  return type;
}

constexpr Layout layout_of(tensor::DType type) {
  using tensor::DType;
  switch (panel_form(type)) {
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
    case DType::iq3_s: return {4, 32, true, false, 15, &kIQ3SCodebook, 5};
    case DType::iq3_xxs: return {4, 32, true, false, 62, &kIQ3XXSCodebook, 7, tensor::BlockIQ3XXS::kUnit};
    case DType::iq2_s: return {3, 16, true, false, 43, &kIQ2Codebook, 7, tensor::BlockIQ2S::kUnit};
    case DType::iq1_s: return {3, 16, true, false, 9, &kIQ1Codebook, 5, tensor::BlockIQ1S::kUnit};
    default: return {};
  }
}

}  // namespace rustml::kernels
