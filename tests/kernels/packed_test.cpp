#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "comparison.h"

namespace rustml::kernels {
namespace {

using tensor::DType;

// Packing then unpacking gives, bit for bit, what dequantizing the file's row gives, for every type and a padded panel.
TEST(Packed, RoundTripEqualsDequantize) {
  for (int type_index = 0; type_index < tensor::kDTypeCount; ++type_index) {
    const auto file_type = static_cast<DType>(type_index);
    for (int64_t blocks : {1, 2, 3, 5, 18}) {
      const int64_t cols = blocks * tensor::info(file_type).block_elements;
      std::vector<std::byte> rows[kPanelRows];
      const std::byte* pointers[kPanelRows] = {};
      const int64_t used = 16 - blocks % 3;
      for (int64_t r = 0; r < used; ++r) {
        rows[r] = random_file_row(file_type, cols, static_cast<uint32_t>(r + 100 * blocks));
        pointers[r] = rows[r].data();
      }
      std::vector<std::byte> panel(static_cast<size_t>(panel_bytes(file_type, cols)));
      pack_panel(file_type, pointers, cols, panel.data());
      std::vector<float> got(static_cast<size_t>(cols)), want(static_cast<size_t>(cols));
      for (int64_t r = 0; r < kPanelRows; ++r) {
        unpack_row(file_type, panel.data(), r, cols, got.data());
        if (r < used) {
          tensor::dequantize(file_type, pointers[r], cols, want.data());
          ASSERT_EQ(std::memcmp(got.data(), want.data(), want.size() * 4), 0)
              << tensor::info(file_type).name << " cols " << cols << " row " << r;
        } else {
          for (float value : got) ASSERT_EQ(value, 0.0f) << tensor::info(file_type).name << " padding row " << r;
        }
      }
    }
  }
}

// The layouts of kernels.h, checked at single values whose place is known.
TEST(Packed, LayoutOfKnownValues) {
  EXPECT_EQ(panel_bytes(DType::q8_0, 64), 2 * 544);
  EXPECT_EQ(panel_bytes(DType::q4_0, 64), 2 * 288);
  EXPECT_EQ(panel_bytes(DType::q4_1, 64), 2 * 320);
  EXPECT_EQ(panel_bytes(DType::f16, 7), 7 * 32);
  EXPECT_EQ(panel_bytes(DType::f32, 7), 7 * 64);
  EXPECT_EQ(panel_count(0), 0);
  EXPECT_EQ(panel_count(1), 1);
  EXPECT_EQ(panel_count(16), 1);
  EXPECT_EQ(panel_count(17), 2);

  std::vector<std::byte> row(34);                      // Q8_0: value 9 of row 3 is -5
  row[0] = std::byte{0x00}, row[1] = std::byte{0x3c};  // 1.0
  row[2 + 9] = std::byte{0xfb};
  const std::byte* rows[kPanelRows] = {};
  rows[3] = row.data();
  std::vector<std::byte> panel(544);
  pack_panel(DType::q8_0, rows, 32, panel.data());
  EXPECT_EQ(panel[2 * 3 + 1], std::byte{0x3c});
  EXPECT_EQ(panel[32 + (9 / 4) * 64 + 3 * 4 + 9 % 4], std::byte{0x7b});
  EXPECT_EQ(panel[32], std::byte{0x80});

  row.assign(20, std::byte{0});  // Q4_1: value 21 (the high nibble of byte 5) of row 15 is 12
  row[4 + 5] = std::byte{0xc0};
  rows[3] = nullptr;
  rows[15] = row.data();
  panel.assign(320, std::byte{1});
  pack_panel(DType::q4_1, rows, 32, panel.data());
  EXPECT_EQ(panel[64 + (5 / 4) * 64 + 15 * 4 + 5 % 4], std::byte{0xc0});
}

// Sizes beside the file's: nothing for blocks of 32; for K types what bytes instead of packed 6-bit scales and alignment cost; for types
// with grids four or three bits for each value instead of its share of a place.
TEST(Packed, BytesBesideTheFile) {
  const auto limit_of = [](DType type) {
    switch (type) {
      case DType::q2_k: return 1.2;
      case DType::q3_k: return 1.06;
      case DType::iq3_s: return 1.28;
      case DType::iq3_xxs: return 1.43;
      case DType::iq2_s: return 1.42;
      case DType::iq2_xs: return 1.57;
      case DType::iq2_xxs: return 1.76;
      case DType::iq1_s: return 2.33;
      case DType::iq1_m: return 2.08;
      default: return tensor::info(type).block_elements == 256 ? 1.03 : 1.0;
    }
  };
  for (int index = 0; index < tensor::kDTypeCount; ++index) {
    const auto type = static_cast<DType>(index);
    const int64_t file = kPanelRows * tensor::row_bytes(type, 1024);
    EXPECT_GE(panel_bytes(type, 1024), file) << tensor::info(type).name;
    EXPECT_LE(static_cast<double>(panel_bytes(type, 1024)), limit_of(type) * static_cast<double>(file)) << tensor::info(type).name;
  }
}

// The layout of K types at a single value: Q6_K, value 37 (block 1, k = 5) of row 2 is 0b101101, its sub-block's scale -3.
TEST(Packed, LayoutOfAKType) {
  std::vector<std::byte> row(210);
  row[37] = std::byte{0x0d};            // low nibbles of values 0..63
  row[128 + 5] = std::byte{0x02 << 2};  // top bits: pair 1 of byte 5 is value 37
  row[192 + 2] = std::byte{0xfd};
  row[209] = std::byte{0x3c};  // 1.0
  const std::byte* rows[kPanelRows] = {};
  rows[2] = row.data();
  std::vector<std::byte> panel(static_cast<size_t>(panel_bytes(DType::q6_k, 256)));
  ASSERT_EQ(panel.size(), 3392u);
  pack_panel(DType::q6_k, rows, 256, panel.data());
  EXPECT_EQ(panel[2 * 2 + 1], std::byte{0x3c});
  EXPECT_EQ(panel[64 + 16 * 2 + 2], std::byte{0xfd});
  const size_t block = 320 + 384;
  EXPECT_EQ(panel[block + 1 * 64 + 4 * 2 + 1], std::byte{0x0d});    // group 1 low
  EXPECT_EQ(panel[block + 256 + 4 * 2 + 1], std::byte{0x02 << 2});  // group 1's pair
  EXPECT_EQ(std::count(panel.begin() + 320, panel.end(), std::byte{0}), 3072 - 2);
}

// Codebook types: the place in the list of integers lies in the panel. IQ4_XS: value 37 (group 1 of block 1) of row 2 is number 3 of
// the list, -65, in a block whose scale is 21 - 32.
TEST(Packed, LayoutOfACodebookType) {
  std::vector<std::byte> row(136);
  row[1] = std::byte{0x3c};           // 1.0
  row[2] = std::byte{0x01 << 2};      // scale 1 is 16 + 5
  row[4] = std::byte{0x50};           //
  row[8 + 16 + 5] = std::byte{0x03};  // low nibbles of values 32..47
  const std::byte* rows[kPanelRows] = {};
  rows[2] = row.data();
  std::vector<std::byte> panel(static_cast<size_t>(panel_bytes(DType::iq4_xs, 256)));
  ASSERT_EQ(panel.size(), 2240u);
  pack_panel(DType::iq4_xs, rows, 256, panel.data());
  EXPECT_EQ(panel[2 * 2 + 1], std::byte{0x3c});
  EXPECT_EQ(panel[64 + 16 * 1 + 2], static_cast<std::byte>(21 - 32));
  EXPECT_EQ(panel[192 + 256 + 1 * 64 + 4 * 2 + 1], std::byte{0x03});
  std::vector<float> values(256);
  unpack_row(DType::iq4_xs, panel.data(), 2, 256, values.data());
  EXPECT_EQ(values[37], 1.0f * (21 - 32) * -65);
}

// Types with grids: the digit and, as the next bit, the sign. IQ2_S: the last member of the grid has eight times 43; values 40 to 47 of
// row 2, the third of them negative, in a group of 16 whose scale is 2 * 7 + 1.
TEST(Packed, LayoutOfATypeWithAGrid) {
  std::vector<std::byte> row(82);
  row[1] = std::byte{0x3c};            // 1.0
  row[2 + 5] = std::byte{0xff};        // place 1,023: low bits
  row[34 + 5] = std::byte{0x04};       // signs
  row[66 + 1] = std::byte{0x03 << 2};  // its upper bits
  row[74 + 1] = std::byte{0x07};       // scale 2
  const std::byte* rows[kPanelRows] = {};
  rows[2] = row.data();
  std::vector<std::byte> panel(static_cast<size_t>(panel_bytes(DType::iq2_s, 256)));
  ASSERT_EQ(panel.size(), 1856u);
  pack_panel(DType::iq2_s, rows, 256, panel.data());
  EXPECT_EQ(panel[64 + 16 * 2 + 2], std::byte{15});
  const size_t block = 320 + 192;                                   // values 32 to 63
  EXPECT_EQ(panel[block + 4 * 2 + 2], std::byte{2 << 4 | 2 << 6});  // groups 2 and 3: pairs
  EXPECT_EQ(panel[block + 128 + 4 * 2 + 2], std::byte{1 << 2});     // group 2's sign
  std::vector<float> values(256);
  unpack_row(DType::iq2_s, panel.data(), 2, 256, values.data());
  EXPECT_EQ(values[41], 15 * 43 / 8.0f);
  EXPECT_EQ(values[42], -15 * 43 / 8.0f);
  EXPECT_EQ(values[48], 8 / 8.0f);
}

TEST(Packed, QuantizedRowsAreThoseOfTheFile) {
  for (const DType type : {DType::q8_0, DType::q4_0}) {
    for (const int64_t cols : {32, 256, 352}) {
      std::vector<float> values(static_cast<size_t>(16 * cols));
      for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i * i % 1013));
      const float* floats[kPanelRows] = {};
      std::vector<std::byte> file[kPanelRows];
      const std::byte* blocks[kPanelRows] = {};
      for (int64_t r = 0; r < 15; ++r) {  // the last one is padding
        floats[r] = values.data() + r * cols;
        file[r].resize(static_cast<size_t>(tensor::row_bytes(type, cols)));
        tensor::quantize(type, floats[r], cols, file[r].data());
        blocks[r] = file[r].data();
      }
      std::vector<std::byte> got(static_cast<size_t>(panel_bytes(type, cols))), want(got.size());
      quantize_panel(type, floats, cols, got.data());
      pack_panel(type, blocks, cols, want.data());
      EXPECT_EQ(got, want) << tensor::info(type).name << " " << cols;
    }
  }
}

}  // namespace
}  // namespace rustml::kernels
