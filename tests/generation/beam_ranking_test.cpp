#include "generation/beam_ranking.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/select.h"

namespace rustml::generation {
namespace {

std::vector<int32_t> tokens_of(const std::vector<BeamCandidate>& candidates) {
  std::vector<int32_t> ids;
  for (const BeamCandidate& c : candidates) ids.push_back(static_cast<int32_t>(c.beam) * 100 + c.token);
  return ids;
}

TEST(BeamRanking, TheBestThatGoOnAndAllThatStop) {
  const std::vector<int32_t> stops = {4};
  BeamCandidates candidates(2, stops);
  candidates.gather(0, 0, {1, 3, 3, 2, -5}, kernels::best());
  EXPECT_EQ(tokens_of(candidates.ranked()), (std::vector<int32_t>{1, 2, 4})) << "equal ones by token, the stop token last";
  candidates.gather(1, 0, {1, 3, 3, 2, -5}, kernels::best());
  EXPECT_EQ(tokens_of(candidates.ranked()), (std::vector<int32_t>{1, 2, 4, 104})) << "equal ones by beam";
  candidates.gather(2, 10, {0, 0, 0, 0, -INFINITY}, kernels::best());
  const std::vector<BeamCandidate> ranked = candidates.ranked();
  EXPECT_EQ(tokens_of(ranked), (std::vector<int32_t>{200, 201, 4, 104}));
  EXPECT_NEAR(ranked[0].logprob, 10 - std::log(4), 1e-6);
  candidates.clear();
  candidates.gather(0, -100, {1, 0, 0, 0, 0}, kernels::best());
  EXPECT_EQ(tokens_of(candidates.ranked()), (std::vector<int32_t>{0, 1, 4}));
}

// However many there are, as sorting all of them gives.
TEST(BeamRanking, PruningOnTheWayLosesNone) {
  BeamCandidates candidates(7, {});
  std::vector<double> all;
  uint32_t x = 1;
  for (size_t beam = 0; beam < 5; ++beam) {
    std::vector<float> logits(1000);
    for (float& l : logits) l = static_cast<float>((x = x * 1664525u + 1013904223u) >> 8) * 1e-6F;
    candidates.gather(beam, -1.0 * static_cast<double>(beam), logits, kernels::best());
    double sum = 0;
    for (const float l : logits) sum += std::exp(static_cast<double>(l));
    for (const float l : logits) all.push_back(static_cast<double>(l) - std::log(sum) - static_cast<double>(beam));
  }
  std::sort(all.rbegin(), all.rend());
  const std::vector<BeamCandidate> ranked = candidates.ranked();
  ASSERT_EQ(ranked.size(), 7u);
  for (size_t i = 0; i < ranked.size(); ++i) EXPECT_NEAR(ranked[i].logprob, all[i], 1e-5);
}

TEST(BeamRanking, FinishedOnesByScore) {
  BeamOptions options;
  options.width = 2;
  options.length_penalty = 1;
  FinishedBeams finished(options);
  EXPECT_FALSE(finished.settled(-1, 1, 10)) << "none is finished";
  finished.keep({}, {0, 4, -2}, 1, Finish::stop_token);  // -2
  finished.keep({}, {0, 5, -3}, 2, Finish::length);      // -1.5
  ASSERT_EQ(finished.best().size(), 2u);
  EXPECT_EQ(finished.best()[0].last, 5);
  EXPECT_EQ(finished.best()[0].stop_id, -1);
  EXPECT_EQ(finished.best()[0].length(), 1u);
  EXPECT_EQ(finished.best()[1].last, -1);
  EXPECT_EQ(finished.best()[1].stop_id, 4);
  EXPECT_DOUBLE_EQ(finished.best()[0].score, -1.5);
  EXPECT_TRUE(finished.settled(-4, 2, 10)) << "-2 is no better than the worst";
  EXPECT_FALSE(finished.settled(-3.9, 2, 10));
  options.early_stopping = EarlyStopping::never;
  EXPECT_FALSE(finished.settled(-4, 2, 10)) << "at ten tokens it would score -0.4";
  options.early_stopping = EarlyStopping::first;
  EXPECT_TRUE(finished.settled(-0.1, 2, 10));
  finished.keep({}, {0, 6, -1}, 1, Finish::length);  // takes the worst one's place
  EXPECT_EQ(finished.best()[0].last, 6);
  EXPECT_EQ(finished.best()[1].last, 5);
  finished.keep({}, {0, 7, -9}, 1, Finish::length);
  EXPECT_EQ(finished.best()[1].last, 5);
}

}  // namespace
}  // namespace rustml::generation
