#include "runtime/thread_team.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

#include "../base/three_tries.h"
#include "base/error.h"
#include "runtime/spin.h"

namespace rustml::runtime {
namespace {

// How many threads the process has beside those `known`, by their numbers.
using Threads = std::set<std::string>;
Threads threads_of_process() {
  Threads found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) found.insert(entry.path().filename());
  return found;
}
size_t threads_beside(const Threads& known) {
  const Threads all = threads_of_process();
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& id) { return !known.contains(id); }));
}
// A thread is listed until it is quite gone, which is a little after it can be joined.
bool soon_none_beside(const Threads& known) {
  for (int i = 0; i < 20'000 && threads_beside(known) > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return threads_beside(known) == 0;
}

TEST(ThreadTeam, EveryStepRunsAllOfItsMembersAndMeetsAtSync) {
  const auto team = ThreadTeam::lease();
  StopSignal stop;
  for (int n_threads : {1, 2, 4, 7}) {
    constexpr int kSteps = 60;
    std::vector<std::atomic<int>> arrived(kSteps), wrong(kSteps);
    for (int pass = 0; pass < 3; ++pass) {
      team->run(
          n_threads, kSteps,
          [&](int s, Member& m) {
            EXPECT_LT(m.rank(), m.size());
            EXPECT_LE(m.size(), n_threads);
            arrived[s].fetch_add(1);
            m.sync();
            if (arrived[s].load() != m.size()) wrong[s].fetch_add(1);
            m.sync();
            if (m.leader()) arrived[s].store(0);
          },
          stop, 2'000'000);
    }
    for (const auto& w : wrong) EXPECT_EQ(w.load(), 0);
  }
}

TEST(ThreadTeam, EveryShareIsClaimedOnceWithAndWithoutBarriers) {
  const auto team = ThreadTeam::lease();
  StopSignal stop;
  constexpr int kSteps = 8, kShares[] = {1, 0, 17, 5, 64};
  for (int n_threads : {1, 2, 3, 4, 8}) {
    for (const bool barriers : {false, true}) {
      std::atomic<int> out_of_order{0};
      std::vector<std::atomic<int>> claimed(kSteps * std::size(kShares) * 64);
      team->run(
          n_threads, kSteps,
          [&](int step, Member& m) {
            for (size_t operation = 0; operation < std::size(kShares); ++operation) {
              const size_t first = (static_cast<size_t>(step) * std::size(kShares) + operation) * 64;
              const bool from_end = operation % 2 == 0 && m.rank() % 2 == 1;
              int64_t before = from_end ? kShares[operation] : -1;
              for (int64_t i; (i = m.claim(kShares[operation], from_end)) < kShares[operation]; before = i) {
                claimed[first + static_cast<size_t>(i)].fetch_add(1);
                if (from_end ? i >= before : i <= before) out_of_order.fetch_add(1);
              }
              if (barriers) m.sync();
            }
          },
          stop, 20'000'000);
      for (size_t i = 0; i < claimed.size(); ++i)
        ASSERT_EQ(claimed[i].load(), static_cast<int>(i % 64) < kShares[i / 64 % std::size(kShares)])
            << n_threads << " threads, share " << i;
      EXPECT_EQ(out_of_order.load(), 0);
    }
  }
}

// Works for `us` microseconds.
void work_for(int us) {
  const uint64_t end = now_ns() + static_cast<uint64_t>(us) * 1000;
  while (now_ns() < end) spin_pause();
}

// A worker that is late twice, as if its core had gone to another process.
TEST(ThreadTeam, AWorkerWhoLosesItsCoreComesInShiftsForAWhile) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "it has limits in time, and ThreadSanitizer makes everything several times slower";
#endif
  const auto team = ThreadTeam::lease();
  StopSignal stop;
  EXPECT_TRUE(test::kept_in_one_of_three("shifts", [&]() -> std::string {
    constexpr int kSteps = 20'000;  // of 50 us: a second, if the worker is always there
    std::vector<int> size(kSteps, 0);
    int late = 0, steps = 0;
    uint64_t last = 0;  // when it was late for the second time
    std::vector<uint64_t> begin(kSteps, 0);
    team->run(
        2, kSteps,
        [&](int step, Member& m) {
          if (m.leader()) {
            begin[static_cast<size_t>(step)] = now_ns();
            size[static_cast<size_t>(step)] = m.size();
            steps = step + 1;
          }
          m.sync();
          if (!m.leader() && late < 2) {
            work_for(2000);
            last = ++late == 2 ? now_ns() : 0;
          }
          work_for(50);
          m.sync();
        },
        stop);
    if (late < 2) return "there was no worker";
    int shifts = 0, joined = 0, alone = 0;
    uint64_t longest = 0, shift_begin = 0;
    for (int i = 1; i < steps; ++i) {
      const auto at = static_cast<size_t>(i);
      if (begin[at] < last || begin[at] > last + 8'000'000) continue;
      size[at] == 2 ? ++joined : ++alone;
      if (size[at] == 2 && size[at - 1] == 1) ++shifts, shift_begin = begin[at];
      if (size[at] == 1 && size[at - 1] == 2 && shift_begin > 0) longest = std::max(longest, begin[at] - shift_begin);
    }
    std::string seen = std::to_string(shifts) + " shifts, the longest of " + std::to_string(longest / 1000) + " us, " +
                       std::to_string(joined) + " steps with the worker, " + std::to_string(alone) + " without, last step of " +
                       std::to_string(size[kSteps - 1]);
    const bool shared = shifts >= 2 && longest < 1'200'000 && joined > alone / 4 && alone > joined / 4;
    return shared && size[kSteps - 1] == 2 ? "" : seen;  // at the end it has not been late for long
  }));
}

TEST(ThreadTeam, StopsBetweenStepsAndCountsPieces) {
  const auto team = ThreadTeam::lease();
  CancelFlag flag;
  StopSignal stop(&flag);
  std::atomic<int> last{0}, begun_after{0};
  const auto report = team->run(
      2, 1000,
      [&](int s, Member& m) {
        if (m.leader()) last.store(s);
        if (s == 5 && m.leader()) flag.trigger(1);
        m.sync();
        for (int i = 0; i < 100; ++i)
          if (m.begin_piece() && s >= 5) begun_after.fetch_add(1);
      },
      stop);
  EXPECT_EQ(last.load(), 5) << "a stopped pass ends before its next step";
  EXPECT_EQ(begun_after.load(), 0);
  EXPECT_LE(report.pieces_after_stop, 1u);
}

TEST(ThreadTeam, CallersTakeTurnsAndAWaitingOneCanBeCancelled) {
  const auto team = ThreadTeam::lease();
  std::atomic<int> inside{0}, overlaps{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      StopSignal stop;
      for (int i = 0; i < 50; ++i)
        team->run(
            2, 3,
            [&](int, Member& m) {
              if (!m.leader()) return;
              if (inside.fetch_add(1) != 0) overlaps.fetch_add(1);
              inside.fetch_sub(1);
            },
            stop);
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(overlaps.load(), 0);

  std::atomic<bool> holding{false}, let_go{false};
  std::thread holder([&] {
    StopSignal stop;
    team->run(
        1, 1,
        [&](int, Member&) {
          holding.store(true);
          while (!let_go.load()) std::this_thread::yield();
        },
        stop);
  });
  while (!holding.load()) std::this_thread::yield();
  StopSignal late(nullptr, now_ns() + 5'000'000);
  team->run(
      1, 1, [](int, Member&) { ADD_FAILURE() << "ran though the deadline had passed"; }, late);
  EXPECT_EQ(late.cause(), StopCause::total_deadline);
  let_go.store(true);
  holder.join();
}

// Each caller comes again at once, so it may keep its turn for a while; the others still get theirs.
TEST(ThreadTeam, NobodyStarvesAndNobodyIsHeldUpByOneWhoStaysAway) {
  const auto team = ThreadTeam::lease();
  EXPECT_TRUE(test::kept_in_one_of_three("turns", [&] {
    const std::clock_t end = std::clock() + 3 * CLOCKS_PER_SEC / 10;  // processor time: others' use of the cores does not shorten it
    std::vector<int> passes(4, 0);
    std::vector<std::thread> callers;
    for (size_t c = 0; c < passes.size(); ++c)
      callers.emplace_back([&, c] {
        StopSignal stop;
        while (std::clock() < end) {
          team->run(
              2, 1,
              [](int, Member& m) {
                for (const uint64_t until = now_ns() + 1'000'000; m.leader() && now_ns() < until;) {
                }
              },
              stop);
          ++passes[c];
          if (c == 3) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
      });
    for (std::thread& t : callers) t.join();
    const auto [least, most] = std::minmax({passes[0], passes[1], passes[2]});
    const bool kept = least >= 5 && passes[3] >= 5 && most <= 4 * least;
    return kept ? "" : std::to_string(least) + " to " + std::to_string(most) + " passes, and " + std::to_string(passes[3]);
  }));
}

TEST(ThreadTeam, AChildOfForkHasATeamOfItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer does not support threads started after a fork";
#endif
  auto team = ThreadTeam::lease();
  StopSignal stop;
  team->run(
      2, 1, [](int, Member& m) { m.sync(); }, stop);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // a child that hangs is killed
    const Threads before = threads_of_process();
    auto mine = ThreadTeam::lease();
    bool ran = mine != team;
    team.reset();
    StopSignal none;
    int size = 0;
    mine->run(
        2, 1,
        [&](int, Member& m) {
          if (m.leader()) size = m.size();
          m.sync();
        },
        none, 5'000'000'000);
    mine.reset();
    _exit(ran && size == 2 && before.size() == 1 && soon_none_beside(before) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ThreadTeam, TheLastLeaseJoinsTheThreads) {
  const Threads before = threads_of_process();
  for (int i = 0; i < 20; ++i) {
    const auto team = ThreadTeam::lease(), same = ThreadTeam::lease();
    EXPECT_EQ(team.get(), same.get());
    ASSERT_TRUE(soon_none_beside(before));
    StopSignal stop;
    team->run(
        4, 2, [](int, Member& m) { m.sync(); }, stop);
    EXPECT_EQ(threads_beside(before), 3u);
  }
  EXPECT_TRUE(soon_none_beside(before));
}

TEST(ThreadTeam, SleepingWorkersWakeForTheNextPass) {
  const auto team = ThreadTeam::lease();
  StopSignal stop;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(test::kept_in_one_of_three("sleeping workers", [&] {
      int size = 0;
      team->run(
          2, 1,
          [&](int, Member& m) {
            if (m.leader()) size = m.size();
          },
          stop, 500'000'000);
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      return size == 2 ? "" : "gathering did not wait for a sleeper";
    }));
  }
}

}  // namespace
}  // namespace rustml::runtime
