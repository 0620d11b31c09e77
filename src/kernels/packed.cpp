// Packed weights: layouts of kernels.h. Four bytes of a row's block are one group's share of that row (for 4-bit types because
// the file's nibble order, j low and j + 16 high, is already "group g low, group g + 4 high"), so packing is a transposition of
// 16 rows of 32-bit words.
#include <cstring>

#include "kernels/kernels.h"

namespace rustml::kernels {
namespace {

using tensor::DType;

struct BlockLayout {
  int64_t halves;  // f16 values (scale, minimum) before the quants, in the file and in the panel
  int64_t words;   // 32-bit words of quants per row
  int64_t file_bytes() const { return 2 * halves + 4 * words; }
  int64_t panel_bytes() const { return kPanelRows * file_bytes(); }
};

constexpr BlockLayout kQ8_0{1, 8};
constexpr BlockLayout kQ4_0{1, 4};
constexpr BlockLayout kQ4_1{2, 4};

const BlockLayout* block_layout(DType packed) {
  switch (packed) {
    case DType::q8_0:
      return &kQ8_0;
    case DType::q4_0:
      return &kQ4_0;
    case DType::q4_1:
      return &kQ4_1;
    default:
      return nullptr;
  }
}

// kFlip makes signed bytes unsigned.
template <int kHalves, int kWords, uint32_t kFlip>
void pack_blocks(const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  constexpr int kFileBytes = 2 * kHalves + 4 * kWords;
  alignas(4) static constexpr std::byte kZero[kFileBytes] = {};
  for (int64_t b = 0; b < cols / kQBlock; ++b, dst += kPanelRows * kFileBytes) {
    std::byte* quants = dst + kPanelRows * 2 * kHalves;
    for (int64_t r = 0; r < kPanelRows; ++r) {
      const std::byte* src = rows[r] != nullptr ? rows[r] + b * kFileBytes : kZero;
      for (int h = 0; h < kHalves; ++h) std::memcpy(dst + 2 * (kPanelRows * h + r), src + 2 * h, 2);
      uint32_t words[kWords];
      std::memcpy(words, src + 2 * kHalves, sizeof words);
      for (int g = 0; g < kWords; ++g) {
        const uint32_t word = words[g] ^ kFlip;
        std::memcpy(quants + 4 * (kPanelRows * g + r), &word, 4);
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

void pack_dequantized(DType file_type, const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  constexpr int64_t kChunk = 256;  // a multiple of every type's block
  const auto& type = tensor::info(file_type);
  float values[kChunk];
  for (int64_t k0 = 0; k0 < cols; k0 += kChunk) {
    const int64_t n = cols - k0 < kChunk ? cols - k0 : kChunk;
    for (int64_t r = 0; r < kPanelRows; ++r) {
      if (rows[r] != nullptr) {
        tensor::dequantize(file_type, rows[r] + k0 / type.block_elements * type.block_bytes, n, values);
      } else {
        std::memset(values, 0, sizeof values);
      }
      for (int64_t k = 0; k < n; ++k) std::memcpy(dst + ((k0 + k) * kPanelRows + r) * 4, &values[k], 4);
    }
  }
}

}  // namespace

DType packed_type(DType file_type) noexcept {
  switch (file_type) {
    case DType::q8_0:
    case DType::q4_0:
    case DType::q4_1:
    case DType::f16:
      return file_type;
    default:
      return DType::f32;
  }
}

int64_t panel_bytes(DType packed, int64_t cols) noexcept {
  if (const BlockLayout* layout = block_layout(packed)) return cols / kQBlock * layout->panel_bytes();
  return cols * kPanelRows * (packed == DType::f16 ? 2 : 4);
}

void pack_panel(DType file_type, const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst) {
  switch (file_type) {
    case DType::q8_0:
      return pack_blocks<1, 8, 0x80808080u>(rows, cols, dst);
    case DType::q4_0:
      return pack_blocks<1, 4, 0>(rows, cols, dst);
    case DType::q4_1:
      return pack_blocks<2, 4, 0>(rows, cols, dst);
    case DType::f16:
      return pack_words<uint16_t>(rows, cols, dst);
    case DType::f32:
      return pack_words<uint32_t>(rows, cols, dst);
    default:
      return pack_dequantized(file_type, rows, cols, dst);
  }
}

void unpack_row(DType packed, const std::byte* panel, int64_t r, int64_t cols, float* out) {
  const auto half_at = [](const std::byte* p) {
    uint16_t bits;
    std::memcpy(&bits, p, 2);
    return tensor::f16_to_f32(bits);
  };
  const BlockLayout* layout = block_layout(packed);
  if (layout == nullptr) {
    for (int64_t k = 0; k < cols; ++k) {
      if (packed == DType::f16) {
        out[k] = half_at(panel + (k * kPanelRows + r) * 2);
      } else {
        std::memcpy(out + k, panel + (k * kPanelRows + r) * 4, 4);
      }
    }
    return;
  }
  const int zero = packed == DType::q8_0 ? 128 : packed == DType::q4_0 ? 8 : 0;
  for (int64_t b = 0; b < cols / kQBlock; ++b, panel += layout->panel_bytes(), out += kQBlock) {
    const float d = half_at(panel + 2 * r);
    const float m = layout->halves == 2 ? half_at(panel + 2 * (kPanelRows + r)) : 0.0f;
    const std::byte* quants = panel + kPanelRows * 2 * layout->halves + 4 * r;  // group g is 64 g bytes on
    for (int64_t k = 0; k < kQBlock; ++k) {
      const int64_t group = k / 4 % layout->words;
      int q = static_cast<int>(quants[group * 4 * kPanelRows + k % 4]);
      if (layout->words == 4) q = k < 16 ? q & 15 : q >> 4;
      const float product = d * static_cast<float>(q - zero);
      out[k] = layout->halves == 2 ? product + m : product;
    }
  }
}

}  // namespace rustml::kernels
