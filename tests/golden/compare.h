// What golden tests compare: logits after some tokens, bit for bit with each other or as log-probabilities with a reference.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine.h"

namespace golden {

inline std::vector<float> evaluate(const Model& model, const std::vector<int32_t>& ids, const SessionSetup& setup = {}) {
  Session session(model, setup);
  session.eval(ids);
  return session.logits();
}

inline testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << a.size() << " and " << b.size() << " logits";
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof a[i]) != 0) return testing::AssertionFailure() << "logit " << i << ": " << a[i] << " and " << b[i];
  }
  return testing::AssertionSuccess();
}

inline double largest_difference(const std::vector<float>& expected, const std::vector<double>& actual) {
  double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) worst = std::max(worst, std::isnan(actual[i]) ? INFINITY : std::abs(expected[i] - actual[i]));
  return worst;
}

// Where our greedy answer leaves the reference's, the gap between the reference's two best; 0: it never does.
inline double parting_gap(const Prompt& p, const std::vector<int32_t>& chosen) {
  const auto [ours, theirs] = std::mismatch(chosen.begin(), chosen.end(), p.greedy.begin(), p.greedy.end());
  if (ours == chosen.end()) return 0;
  const std::vector<Choice>& step = p.steps[static_cast<size_t>(ours - chosen.begin())];
  return step[0].logprob - step[1].logprob;
}

}  // namespace golden
