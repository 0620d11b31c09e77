// Every entry of every other target this processor can run, against the scalar reference: bit for bit, SSE4.1 (no FMA) within 1e-5 of
// the output's largest value.
#include <gtest/gtest.h>

#include "comparison.h"
#include "kernels/select.h"

namespace rustml::kernels {
namespace {

#ifdef __x86_64__
// Whether this thread has tile data that the system would have to save (XINUSE's bit 18; Intel SDM, XGETBV with ECX = 1).
bool tiles_in_use() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
  return (low >> 18 & 1) != 0;
}
#endif

class Target : public testing::TestWithParam<std::string> {};

TEST_P(Target, EqualsScalar) {
  const KernelTable* table = find(GetParam());
  if (table == nullptr || !ready(*table)) GTEST_SKIP() << "this processor or this build lacks it, or the system does not permit it";
#if defined(RUSTML_SANITIZED) && defined(__clang__)
  constexpr bool kThorough = false;  // there its kernels are not optimized
#else
  constexpr bool kThorough = true;
#endif
  const Comparison result = compare_with_scalar(*table, GetParam() == "sse41" ? 1e-5f : 0.0f, kThorough);
  EXPECT_GT(result.checks, kThorough ? 10000 : 5000);
  EXPECT_TRUE(result.failures.empty()) << result.failures.size() << " failures, the first: " << result.failures.front();
#ifdef __x86_64__
  if (GetParam() == "amx") {
    EXPECT_FALSE(tiles_in_use()) << "a kernel left the tile unit configured";
  }
#endif
}

std::vector<std::string> names() {
  std::vector<std::string> names(compiled().begin(), compiled().end());
  std::erase(names, "scalar");
  return names;
}
INSTANTIATE_TEST_SUITE_P(All, Target, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace rustml::kernels
