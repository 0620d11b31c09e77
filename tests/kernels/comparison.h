// Compares one target's kernels with the scalar reference, entry by entry, on odd lengths and in buffers of exact size.
// Without GoogleTest, so that it also runs as a plain program under an emulator (compare_main.cpp).
#pragma once
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace rustml::kernels {

struct Comparison {
  int64_t checks = 0;
  std::vector<std::string> failures;  // empty: equal
};

// relative: 0 = bit for bit (any NaN equals any NaN), else the error allowed, relative to the largest value of the output.
// thorough: all combinations of rows and tokens in linear, else a few (an emulator is slow).
Comparison compare_with_scalar(const KernelTable& target, float relative, bool thorough);

// Rows of `type` in the file's layout with every quant pattern and finite scales; q8_0 also holds -128.
std::vector<std::byte> random_file_row(tensor::DType type, int64_t cols, uint32_t seed);

}  // namespace rustml::kernels
