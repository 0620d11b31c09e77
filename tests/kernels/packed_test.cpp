#include <gtest/gtest.h>

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
    const DType packed = packed_type(file_type);
    for (int64_t blocks : {1, 2, 3, 5, 18}) {
      const int64_t cols = blocks * tensor::info(file_type).block_elements;
      std::vector<std::byte> rows[kPanelRows];
      const std::byte* pointers[kPanelRows] = {};
      const int64_t used = 16 - blocks % 3;
      for (int64_t r = 0; r < used; ++r) {
        rows[r] = random_file_row(file_type, cols, static_cast<uint32_t>(r + 100 * blocks));
        pointers[r] = rows[r].data();
      }
      std::vector<std::byte> panel(static_cast<size_t>(panel_bytes(packed, cols)));
      pack_panel(file_type, pointers, cols, panel.data());
      std::vector<float> got(static_cast<size_t>(cols)), want(static_cast<size_t>(cols));
      for (int64_t r = 0; r < kPanelRows; ++r) {
        unpack_row(packed, panel.data(), r, cols, got.data());
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

}  // namespace
}  // namespace rustml::kernels
