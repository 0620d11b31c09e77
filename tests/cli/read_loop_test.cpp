#include "cli/read_loop.h"

#include <gtest/gtest.h>

#include <chrono>

namespace rustml::cli {
namespace {

// That every byte is read cannot be seen from outside; that a pass takes the time of reading can.
TEST(ReadLoop, EveryKernelReadsWithAnyNumberOfThreads) {
  for (const int threads : {1, 2, 5}) {
    ReadLoop loop(3'000'001, threads);
    for (int kernel = 0; kernel < ReadLoop::kKernels; ++kernel) {
      const double seconds = loop.pass(kernel);
      EXPECT_GT(seconds, 3e6 / 1e13);  // no machine reads ten terabytes a second
      EXPECT_LT(seconds, 10.0);
    }
    loop.choose();
    EXPECT_STRNE(loop.kernel(), "");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the helpers sleep by now
    EXPECT_GT(loop.pass(), 0.0);
  }
}

TEST(ReadLoop, TinySizesAreRoundedUp) { EXPECT_GE(ReadLoop(1, 2).bytes(), 1u); }

}  // namespace
}  // namespace rustml::cli
