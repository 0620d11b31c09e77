// Packed weights: layouts of layout.h. Four bytes of a row's block are one group's share of that row, so packing is cutting a
// file block into 32-bit words of nibbles, pairs and single bits, and a transposition of 16 rows of such words.
#include <array>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/layout.h"
#include "tensor/block.h"
#include "tensor/grid_blocks.h"

namespace rustml::kernels {
namespace {

using tensor::DType;

// What one row of a K type gives to a unit of a panel.
template <DType type>
struct RowShare {
  static constexpr Layout kLayout = layout_of(type);
  uint16_t d, m;
  std::array<uint8_t, 2 * kLayout.scales()> scales;  // then minima
  uint32_t words[kLayout.blocks()][kLayout.bits];
};

// Bytes 4 i .. 4 i + 3 as one number.
uint32_t word(const void* bytes, int i) {
  uint32_t w;
  std::memcpy(&w, static_cast<const char*>(bytes) + 4 * i, 4);
  return w;
}

constexpr uint32_t kLowNibbles = 0x0f0f0f0f, kLowPairs = 0x03030303, kLowBits = 0x01010101;

// Nibbles of 32 values in 32 bytes (at bit `shift` of each) as four words.
void nibble_words(const uint8_t* bytes, int shift, uint32_t* to) {
  for (int i = 0; i < 4; ++i) {
    to[i] = (word(bytes, i) >> shift & kLowNibbles) | (word(bytes, i + 4) >> shift & kLowNibbles) << 4;
  }
}
// The same of pairs as two words, of single bits as one.
void pair_words(const uint8_t* bytes, int shift, uint32_t* to) {
  for (int i = 0; i < 2; ++i) {
    to[i] = 0;
    for (int j = 0; j < 4; ++j) to[i] |= (word(bytes, 4 * i + j) >> shift & kLowPairs) << 2 * j;
  }
}
void single_word(const uint8_t* bytes, int shift, uint32_t* to) {
  *to = 0;
  for (int g = 0; g < 8; ++g) *to |= (word(bytes, g) >> shift & kLowBits) << g;
}

// Q5_0, Q5_1: bit i of the 32 is value i's. Eight of them, two groups, as bits 0 and 1 of a word's bytes.
constexpr std::array<uint32_t, 256> kSpread = [] {
  std::array<uint32_t, 256> spread{};
  for (uint32_t bits = 0; bits < 256; ++bits) {
    for (uint32_t i = 0; i < 8; ++i) spread[bits] |= (bits >> i & 1) << (8 * (i % 4) + i / 4);
  }
  return spread;
}();
uint32_t fifth_bits(const uint8_t qh[4]) { return kSpread[qh[0]] | kSpread[qh[1]] << 2 | kSpread[qh[2]] << 4 | kSpread[qh[3]] << 6; }

void cut(const tensor::BlockQ2K& block, RowShare<DType::q2_k>& to) {
  to.d = block.d, to.m = block.dmin ^ 0x8000;
  for (size_t i = 0; i < 16; ++i) to.scales[i] = block.scales[i] & 15, to.scales[16 + i] = block.scales[i] >> 4;
  for (int j = 0; j < 8; ++j) pair_words(block.qs + j / 4 * 32, j % 4 * 2, to.words[j]);
}

void cut(const tensor::BlockQ3K& block, RowShare<DType::q3_k>& to) {
  to.d = block.d;
  for (size_t i = 0; i < 16; ++i) {
    const int low = i < 8 ? block.scales[i] & 15 : block.scales[i - 8] >> 4, high = block.scales[8 + i % 4] >> i / 4 * 2 & 3;
    to.scales[i] = static_cast<uint8_t>((low | high << 4) - 32);
  }
  for (int j = 0; j < 8; ++j) pair_words(block.qs + j / 4 * 32, j % 4 * 2, to.words[j]), single_word(block.hmask, j, to.words[j] + 2);
}

// Q4_K, Q5_K: the order of the 6-bit numbers is told in tensor/dequantize.cpp.
template <class Block, DType type>
void cut_super(const Block& block, RowShare<type>& to) {
  to.d = block.d, to.m = block.dmin ^ 0x8000;
  const uint8_t* s = block.scales;
  for (size_t i = 0; i < 4; ++i) {
    to.scales[i] = s[i] & 63, to.scales[8 + i] = s[i + 4] & 63;
    to.scales[4 + i] = static_cast<uint8_t>((s[8 + i] & 15) | s[i] >> 6 << 4);
    to.scales[12 + i] = static_cast<uint8_t>(s[8 + i] >> 4 | s[4 + i] >> 6 << 4);
  }
  for (int j = 0; j < 8; ++j) {
    nibble_words(block.qs + j / 2 * 32, j % 2 * 4, to.words[j]);
    if constexpr (RowShare<type>::kLayout.bits == 5) single_word(block.qh, j, to.words[j] + 4);
  }
}
void cut(const tensor::BlockQ4K& block, RowShare<DType::q4_k>& to) { cut_super(block, to); }
void cut(const tensor::BlockQ5K& block, RowShare<DType::q5_k>& to) { cut_super(block, to); }

void cut(const tensor::BlockQ6K& block, RowShare<DType::q6_k>& to) {
  to.d = block.d;
  std::memcpy(to.scales.data(), block.scales, 16);
  for (int j = 0; j < 8; ++j) {
    nibble_words(block.ql + j / 4 * 64 + j % 2 * 32, j / 2 % 2 * 4, to.words[j]);
    pair_words(block.qh + j / 4 * 32, j % 4 * 2, to.words[j] + 4);
  }
}

void cut(const tensor::BlockIQ4XS& block, RowShare<DType::iq4_xs>& to) {
  to.d = block.d;
  for (size_t i = 0; i < 8; ++i) {
    const int low = block.scales_l[i / 2] >> i % 2 * 4 & 15, high = block.scales_h >> 2 * i & 3;
    to.scales[i] = static_cast<uint8_t>((low | high << 4) - 32);
  }
  std::memcpy(to.words, block.qs, sizeof to.words);  // group g low, group g + 4 high already
}

template <class Block, DType type>
requires requires { Block::kUnit; }
void cut(const Block& block, RowShare<type>& to) {
  constexpr Layout kLayout = RowShare<type>::kLayout;
  const tensor::GridBlock grid = tensor::read_grid_block(block);
  to.d = grid.d;
  for (size_t i = 0; i < kLayout.scales(); ++i) to.scales[i] = grid.scales[i * kLayout.sub / 16];
  for (int j = 0; j < 8; ++j) {
    const uint8_t* numbers = grid.numbers + 32 * j;
    if constexpr (kLayout.bits == 4) {
      nibble_words(numbers, 0, to.words[j]);
    } else {
      pair_words(numbers, 0, to.words[j]), single_word(numbers, 2, to.words[j] + 2);
    }
  }
}

template <class Block, DType type>
void pack_super(const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  constexpr Layout kLayout = layout_of(type);
  for (int64_t u = 0; u < cols / Block::kElements; ++u, dst += kLayout.unit_bytes()) {
    std::memset(dst + 32, 0, 32);
    for (int64_t r = 0; r < kPanelRows; ++r) {
      Block block{};
      if (rows[r] != nullptr) std::memcpy(&block, rows[r] + u * static_cast<int64_t>(sizeof block), sizeof block);
      RowShare<type> share;
      cut(block, share);
      std::memcpy(dst + 2 * r, &share.d, 2);
      if (kLayout.minima) std::memcpy(dst + 2 * (kPanelRows + r), &share.m, 2);
      for (int64_t i = 0; i < kLayout.scales() * (kLayout.minima ? 2 : 1); ++i) {
        dst[64 + kPanelRows * i + r] = static_cast<std::byte>(share.scales[static_cast<size_t>(i)]);
      }
      std::byte* quants = dst + kLayout.header_bytes() + 4 * r;
      for (const auto& words : share.words) {
        for (int i = 0; i < kLayout.bits; ++i, quants += 4 * kPanelRows) std::memcpy(quants, &words[i], 4);
      }
    }
  }
}

// Blocks of 32. A file's nibble order, j low and j + 16 high, is "group g low, group g + 4 high" already; Q5_0 and Q5_1 have
// their fifth bits before the nibbles.
template <DType type>
void pack_blocks(const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  constexpr Layout kLayout = layout_of(type);
  constexpr int kHalves = kLayout.minima ? 2 : 1, kBits = kLayout.bits, kFifth = kBits == 5 ? 1 : 0;
  constexpr uint32_t kFlip = kBits == 8 ? 0x80808080u : 0;  // makes signed bytes unsigned
  constexpr int64_t kFileBytes = 2 * kHalves + 4 * kBits;
  static constexpr std::byte kZero[kFileBytes] = {};
  for (int64_t b = 0; b < cols / kQBlock; ++b, dst += kLayout.unit_bytes()) {
    for (int64_t r = 0; r < kPanelRows; ++r) {
      const std::byte* src = rows[r] != nullptr ? rows[r] + b * kFileBytes : kZero;
      for (int h = 0; h < kHalves; ++h) std::memcpy(dst + 2 * (kPanelRows * h + r), src + 2 * h, 2);
      uint32_t words[kBits];  // nibbles or bytes, then the fifth bits
      std::memcpy(words, src + 2 * kHalves + 4 * kFifth, sizeof words - 4 * kFifth);
      if (kFifth) words[4] = fifth_bits(reinterpret_cast<const uint8_t*>(src) + 2 * kHalves);
      for (int i = 0; i < kBits; ++i) {
        const uint32_t word = words[i] ^ kFlip;
        std::memcpy(dst + kLayout.header_bytes() + 4 * (kPanelRows * i + r), &word, 4);
      }
    }
  }
}

template <class Word>
void pack_words(const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  constexpr int64_t kChunk = 16;  // words of one row read together, so that its cache line is used up at once
  for (int64_t k0 = 0; k0 < cols; k0 += kChunk) {
    const int64_t n = cols - k0 < kChunk ? cols - k0 : kChunk;
    for (int64_t r = 0; r < kPanelRows; ++r) {
      Word words[kChunk] = {};
      if (rows[r] != nullptr) std::memcpy(words, rows[r] + k0 * sizeof(Word), n * sizeof(Word));
      for (int64_t k = 0; k < n; ++k) std::memcpy(dst + ((k0 + k) * kPanelRows + r) * sizeof(Word), &words[k], sizeof(Word));
    }
  }
}

float half_at(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, 2);
  return tensor::f16_to_f32(bits);
}

// Row r of a panel of a float type.
template <class Word>
void unpack_words(DType type, const std::byte* panel, int64_t r, int64_t cols, float* out) {
  constexpr int64_t kPiece = 64;
  for (int64_t k = 0; k < cols; k += kPiece) {
    Word words[kPiece];
    const int64_t n = cols - k < kPiece ? cols - k : kPiece;
    for (int64_t i = 0; i < n; ++i) std::memcpy(words + i, panel + ((k + i) * kPanelRows + r) * int64_t{sizeof(Word)}, sizeof(Word));
    tensor::dequantize(type, reinterpret_cast<const std::byte*>(words), n, out + k);
  }
}

// The stored number of row r, k of 0..31, of a block's quants.
int stored(const Layout& l, const std::byte* quants, int64_t r, int64_t k) {
  const auto byte = [&](int64_t vector) { return static_cast<int>(quants[4 * (kPanelRows * vector + r) + k % 4]); };
  const int64_t g = k / 4;
  if (l.bits == 8) return byte(g);
  const int64_t pairs = l.bits & 4 ? 4 : 0, singles = pairs + (l.bits & 2 ? 2 : 0);
  int q = 0;
  if (l.bits & 4) q = byte(g % 4) >> g / 4 * 4 & 15;
  if (l.bits & 2) q |= (byte(pairs + g / 4) >> g % 4 * 2 & 3) << (l.bits & 4);
  if (l.bits & 1) q |= (byte(singles) >> g & 1) << (l.bits & 6);
  return q;
}

}  // namespace

int64_t panel_bytes(DType type, int64_t cols) noexcept {
  const Layout l = layout_of(type);
  if (l.bits != 0) return cols / (kQBlock * l.blocks()) * l.unit_bytes();
  return cols * kPanelRows * tensor::info(type).block_bytes;
}

void pack_panel(DType type, const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  switch (type) {
    case DType::f32: return pack_words<uint32_t>(rows, cols, dst);
    case DType::f16:
    case DType::bf16: return pack_words<uint16_t>(rows, cols, dst);
    case DType::q4_0: return pack_blocks<DType::q4_0>(rows, cols, dst);
    case DType::q4_1: return pack_blocks<DType::q4_1>(rows, cols, dst);
    case DType::q5_0: return pack_blocks<DType::q5_0>(rows, cols, dst);
    case DType::q5_1: return pack_blocks<DType::q5_1>(rows, cols, dst);
    case DType::q8_0: return pack_blocks<DType::q8_0>(rows, cols, dst);
    case DType::q2_k: return pack_super<tensor::BlockQ2K, DType::q2_k>(rows, cols, dst);
    case DType::q3_k: return pack_super<tensor::BlockQ3K, DType::q3_k>(rows, cols, dst);
    case DType::q4_k: return pack_super<tensor::BlockQ4K, DType::q4_k>(rows, cols, dst);
    case DType::q5_k: return pack_super<tensor::BlockQ5K, DType::q5_k>(rows, cols, dst);
    case DType::q6_k: return pack_super<tensor::BlockQ6K, DType::q6_k>(rows, cols, dst);
    case DType::iq4_nl: return pack_blocks<DType::iq4_nl>(rows, cols, dst);
    case DType::iq4_xs: return pack_super<tensor::BlockIQ4XS, DType::iq4_xs>(rows, cols, dst);
    case DType::iq3_s: return pack_super<tensor::BlockIQ3S, DType::iq3_s>(rows, cols, dst);
    case DType::iq3_xxs: return pack_super<tensor::BlockIQ3XXS, DType::iq3_xxs>(rows, cols, dst);
    case DType::iq2_s: return pack_super<tensor::BlockIQ2S, DType::iq2_s>(rows, cols, dst);
    case DType::iq2_xs: return pack_super<tensor::BlockIQ2XS, DType::iq2_xs>(rows, cols, dst);
    case DType::iq2_xxs: return pack_super<tensor::BlockIQ2XXS, DType::iq2_xxs>(rows, cols, dst);
    case DType::iq1_s: return pack_super<tensor::BlockIQ1S, DType::iq1_s>(rows, cols, dst);
    case DType::iq1_m: return pack_super<tensor::BlockIQ1M, DType::iq1_m>(rows, cols, dst);
  }
}

void quantize_panel(DType to, const float* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  constexpr int64_t kPiece = 256;
  std::byte blocks[kPanelRows][kPiece / kQBlock * sizeof(tensor::BlockQ8_0)];
  for (int64_t k = 0; k < cols; k += kPiece) {
    const int64_t n = cols - k < kPiece ? cols - k : kPiece;
    const std::byte* quantized[kPanelRows];
    for (int64_t r = 0; r < kPanelRows; ++r) {
      quantized[r] = rows[r] != nullptr ? blocks[r] : nullptr;
      if (rows[r] != nullptr) tensor::quantize(to, rows[r] + k, n, blocks[r]);
    }
    pack_panel(to, quantized, n, dst + panel_bytes(to, k));
  }
}

void unpack_row(DType type, const std::byte* panel, int64_t r, int64_t cols, float* out) {
  const Layout l = layout_of(type);
  if (l.bits == 0)
    return tensor::info(type).block_bytes == 4 ? unpack_words<uint32_t>(type, panel, r, cols, out)
                                               : unpack_words<uint16_t>(type, panel, r, cols, out);
  for (int64_t k = 0; k < cols; k += l.sub) {
    const int64_t in_unit = k % (kQBlock * l.blocks()), sub = in_unit / l.sub;
    const std::byte* unit = panel + panel_bytes(type, k - in_unit);
    float scale = half_at(unit + 2 * r) * l.unit, minimum = l.minima ? half_at(unit + 2 * (kPanelRows + r)) : 0.0f;
    if (l.super) {
      const auto factor = [&](int64_t nth) { return static_cast<float>(static_cast<int8_t>(unit[64 + kPanelRows * nth + r])); };
      scale *= factor(sub);
      if (l.minima) minimum *= factor(l.scales() + sub);
    }
    const std::byte* quants = unit + l.header_bytes() + in_unit / kQBlock * l.block_bytes();
    for (int64_t i = k; i < k + l.sub; ++i) {
      const int number = stored(l, quants, r, i % kQBlock), integer = l.codebook != nullptr ? l.codebook->of[number] : number;
      const float product = scale * static_cast<float>(integer - l.zero);
      out[i] = l.minima ? product + minimum : product;
    }
  }
}

}  // namespace rustml::kernels
