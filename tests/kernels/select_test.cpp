#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "kernels/kernels.h"

namespace rustml::kernels {
namespace {

TEST(Select, BestFirstScalarLast) {
  ASSERT_FALSE(available().empty());
  EXPECT_EQ(available().back()->target, "scalar");
  EXPECT_EQ(compiled().back(), "scalar");
  auto next = compiled().begin();
  for (const KernelTable* table : available()) {  // a subsequence of the compiled ones
    next = std::find(next, compiled().end(), table->target);
    ASSERT_NE(next, compiled().end()) << table->target;
    EXPECT_EQ(find(table->target), table);
  }
  EXPECT_EQ(find("mmx"), nullptr);
  EXPECT_EQ(find(""), nullptr);
}

TEST(Select, TablesAreComplete) {
  for (const KernelTable* t : available()) {
    SCOPED_TRACE(std::string(t->target));
    for (int i = 0; i < tensor::kDTypeCount; ++i) {
      EXPECT_NE(t->linear[i], nullptr) << tensor::info(static_cast<tensor::DType>(i)).name;
    }
    EXPECT_TRUE(t->quantize_q8 && t->rms_norm && t->layer_norm && t->add && t->silu_mul && t->gelu_tanh_mul && t->rotate && t->scale);
    EXPECT_TRUE(t->store_k && t->store_v && t->attend && t->attend_merge && t->argmax && t->max && t->sum_exp && t->exp && t->all_finite);
  }
}

// Linux lists a flag only if both the processor has it and the kernel saves its registers: an independent second opinion.
TEST(Select, AgreesWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(file, line)) {
    if (line.starts_with("flags")) flags = line + " ";
  }
  if (flags.empty()) GTEST_SKIP() << "/proc/cpuinfo lists no flags";
  const auto all = [&](const char* wanted) {
    std::istringstream words(wanted);
    std::string word;
    while (words >> word) {
      if (flags.find(" " + word + " ") == std::string::npos) return false;
    }
    return true;
  };
  const auto built = [](const char* name) {  // RUSTML_SIMD_TARGETS: those of this build, all where it is empty
    const std::string names = "," RUSTML_SIMD_TARGETS ",";
    return names == ",," || names.find("," + std::string(name) + ",") != std::string::npos;
  };
  EXPECT_EQ(find("sse41") != nullptr, built("sse41") && all("ssse3 sse4_1"));
  EXPECT_EQ(find("avx2") != nullptr, built("avx2") && all("avx2 fma f16c"));
  EXPECT_EQ(find("avxvnni") != nullptr, built("avxvnni") && all("avx2 fma f16c avx_vnni"));
  EXPECT_EQ(find("avx512") != nullptr, built("avx512") && all("avx2 fma f16c avx512f avx512dq avx512bw avx512vl avx512_vnni"));
  const bool tiles = all("amx_tile amx_int8");  // which the system may still refuse to this process
  EXPECT_LE(find("amx") != nullptr, tiles);
  if (find("amx") == nullptr)
    std::printf("amx is not usable here: %s\n", tiles ? "the system does not save the tiles" : "no such processor");
}

}  // namespace
}  // namespace rustml::kernels
