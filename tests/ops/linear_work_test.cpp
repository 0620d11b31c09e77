// Who does what of a linear operation, seen by the kernels' calls.
#include "ops/linear_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "kernels/select.h"
#include "ops/activations.h"
#include "ops/linear.h"
#include "packed.h"
#include "team.h"

namespace rustml::ops {
namespace {

// The kernel table's, with `before` called first.
std::function<void()> g_before;
void watched_linear(const kernels::LinearArgs& args, int64_t p0, int64_t p1, int64_t t0, int64_t t1) {
  g_before();
  kernels::best().linear[static_cast<int>(tensor::DType::q8_0)](args, p0, p1, t0, t1);
}

TEST(LinearWork, AMemberWhoIsLateLeavesTheLastPiecesToOthersAndAStopEndsThem) {
  constexpr int64_t kCols = 576, kRows = 576, kTokens = 128;
  const Packed w(tensor::DType::q8_0, kRows, kCols, 12);
  const std::vector<float> x = random_rows(kTokens * kCols, 13);
  kernels::KernelTable kernels = kernels::best();
  kernels.quantize_q8_tiled = nullptr;  // AMX has tokens in wider tiles, so fewer pieces
  std::vector<float> want(kTokens * kRows), out(want.size());
  std::atomic<int> pieces{0}, size{0};
  const auto run = [&](int n_threads, runtime::StopSignal* stop, float* to) {
    return run_on_team(
        n_threads, kernels, kTokens, kCols,
        [&](Context& c) {
          const Activations a = quantize(c, x.data(), kTokens, kCols, true);
          size = c.member.size();
          linear(c, w.m, a, kTokens, to, kRows);
        },
        stop);
  };
  run(1, nullptr, want.data());
  kernels.linear[static_cast<int>(tensor::DType::q8_0)] = watched_linear;

  // The first to come waits in its first piece: all that is not a fixed share is then done by the other, once there is one.
  constexpr int kPieces = 10;  // of 18 pairs of panels for each member's tile of tokens 14 are its share; 8 units by claim
  int of_the_late = 0;
  for (int tries = 0; size < 2 && tries < 50; ++tries) {
    std::atomic<bool> first{true};
    std::atomic<std::thread::id> late{};
    std::atomic<int> more{0};
    pieces = 0;
    g_before = [&] {
      ++pieces;
      if (first.exchange(false)) {
        late = std::this_thread::get_id();
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (size == 2 && pieces < kPieces - 2 && std::chrono::steady_clock::now() < limit)
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
      } else if (late == std::this_thread::get_id()) {
        ++more;
      }
    };
    run(2, nullptr, out.data());
    EXPECT_EQ(out, want);
    of_the_late = more;
  }
  ASSERT_EQ(size.load(), 2);
  EXPECT_EQ(pieces.load(), kPieces);
  EXPECT_LE(of_the_late, 1);  // what it had claimed already

  for (const int n_threads : {1, 2, 3, 4, 8}) {
    for (const int after : {1, 2, 3, 6}) {  // pieces
      runtime::CancelFlag flag;
      runtime::StopSignal stop(&flag);
      pieces = 0;
      g_before = [&] {
        if (++pieces == after) flag.trigger(1);
      };
      const auto report = run(n_threads, &stop, out.data());
      EXPECT_LE(report.pieces_after_stop, 1u) << n_threads << " threads";
      EXPECT_LE(pieces.load(), after + n_threads - 1) << n_threads << " threads";
    }
  }
}

TEST(LinearWork, EveryPanelOfEveryTokenIsDoneOnce) {
  for (const int n_threads : {1, 2, 3}) {
    for (const int64_t n_tokens : {1, 5, 64, 65, 200}) {
      for (const int64_t panels : {1, 2, 7, 36}) {
        std::vector<std::atomic<int>> times(static_cast<size_t>(panels * n_tokens));
        run_on_team(n_threads, kernels::best(), n_tokens, 32, [&](Context& c) {
          run(c, {"test", n_tokens, 16 * panels, 32, panels, 8192, 8192 * panels}, c.chunk_rows, [&](const Piece& piece) {
            EXPECT_LT(piece.next_panel, panels);
            for (int64_t p = piece.panel_begin; p < piece.panel_end; ++p)
              for (int64_t t = piece.token_begin; t < piece.token_end; ++t) ++times[static_cast<size_t>(p * n_tokens + t)];
          });
        });
        for (const std::atomic<int>& n : times) ASSERT_EQ(n, 1) << n_threads << " threads, " << n_tokens << " tokens, " << panels;
      }
    }
  }
}

}  // namespace
}  // namespace rustml::ops
