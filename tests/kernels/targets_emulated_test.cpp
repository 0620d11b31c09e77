// The checks of targets_test.cpp for targets whose instructions few machines have, by emulation on any machine with AVX2. What
// cannot be seen here: the real instructions' encoding and order (raw_amx-inl.h's assembly), and speed.
#include <gtest/gtest.h>

#include "comparison.h"
#include "emulated.h"

namespace rustml::kernels {
namespace {

void expect_scalar(const KernelTable& table) {
  const Comparison result = compare_with_scalar(table, 0.0f, true);
  EXPECT_GT(result.checks, 10000);
  EXPECT_TRUE(result.failures.empty()) << result.failures.size() << " failures, the first: " << result.failures.front();
}

class EmulatedTarget : public testing::TestWithParam<const KernelTable*> {};

TEST_P(EmulatedTarget, EqualsScalar) {
  if (find("avx2") == nullptr) GTEST_SKIP() << "this processor lacks AVX2, to which the emulation is compiled";
  const int64_t products = emulated_tile_products();
  expect_scalar(*GetParam());
  EXPECT_EQ(emulated_tile_products() > products, GetParam() == &emulated_avx512::kAmxTable) << "only amx multiplies tiles";
  EXPECT_FALSE(emulated_tiles_in_use()) << "a kernel left the tile unit configured";
}

INSTANTIATE_TEST_SUITE_P(All, EmulatedTarget,
                         testing::Values(&emulated_avxvnni::kTable, &emulated_avx512::kTable, &emulated_avx512::kAmxTable),
                         [](const auto& info) { return std::string(info.param->target); });

}  // namespace
}  // namespace rustml::kernels
