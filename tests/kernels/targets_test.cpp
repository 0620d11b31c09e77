// Every entry of every other target this processor can run, against the scalar reference: bit for bit, SSE4.1 (no FMA) within 1e-5 of
// the output's largest value.
#include <gtest/gtest.h>

#include "comparison.h"
#include "kernels/select.h"

namespace rustml::kernels {
namespace {

class Target : public testing::TestWithParam<std::string> {};

TEST_P(Target, EqualsScalar) {
  const KernelTable* table = find(GetParam());
  if (table == nullptr || !ready(*table)) {
    std::printf("SKIPPED target %s: this processor lacks it, or its system does not permit it; run on one that has it\n",
                GetParam().c_str());
    return;
  }
  const Comparison result = compare_with_scalar(*table, GetParam() == "sse41" ? 1e-5f : 0.0f, true);
  EXPECT_GT(result.checks, 10000);
  EXPECT_TRUE(result.failures.empty()) << result.failures.size() << " failures, the first: " << result.failures.front();
}

std::vector<std::string> names() {
  std::vector<std::string> names(compiled().begin(), compiled().end());
  std::erase(names, "scalar");
  return names;
}
INSTANTIATE_TEST_SUITE_P(All, Target, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace rustml::kernels
