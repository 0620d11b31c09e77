// The sampler is a black box here: with the seed and position known, so is u, and the token drawn must be the one where the
// cumulative probability (by id) of an independent reference passes u. References: transformers' processors
// (sampler_reference.txt, made by make_reference.py) and a plain double-precision version with full sorts below.
#include "generation/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "../base/expect_error.h"
#include "generation/random.h"
#include "kernels/select.h"

namespace rustml::generation {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kMargin = 1e-6;  // where float and double may decide differently

using Probabilities = std::map<int32_t, double>;  // by id

const kernels::KernelTable& scalar() { return *kernels::find("scalar"); }

// The token at u; -1 when u is too near a boundary to tell.
int32_t token_at(const Probabilities& probabilities, double u) {
  double sum = 0;
  for (const auto& [id, p] : probabilities) {
    sum += p;
    if (std::fabs(sum - u) < kMargin && sum < 1 - kMargin) return -1;
    if (sum > u) return id;
  }
  return probabilities.rbegin()->first;
}

void expect_draws(Sampler& sampler, uint64_t seed, const Probabilities& wanted, const std::vector<float>& logits,
                  const std::vector<int32_t>& tokens, uint64_t draws) {
  for (uint64_t position = 0; position < draws; ++position) {
    const int32_t id = sampler.sample(logits.data(), tokens, position);
    const int32_t want = token_at(wanted, uniform(seed, position));
    if (want >= 0) {
      ASSERT_EQ(id, want) << "position " << position;
    }
    ASSERT_TRUE(wanted.count(id)) << id << " should have been cut off";
  }
}

TEST(Sampler, KeepsWhatTransformersKeeps) {
  std::ifstream in(std::string(RUSTML_TEST_DATA) + "/sampler_reference.txt");
  ASSERT_TRUE(in);
  const auto number = [&] {  // as text first: streams do not read "-inf"
    std::string word;
    in >> word;
    return std::stof(word);
  };
  int n_cases = 0;
  in >> n_cases;
  ASSERT_GE(n_cases, 100);
  for (int i = 0; i < n_cases; ++i) {
    SCOPED_TRACE(i);
    SamplingOptions options;
    options.seed = 7;
    in >> options.temperature >> options.top_k >> options.top_p >> options.min_p >> options.typical_p >> options.repetition_penalty;
    size_t n = 0;
    in >> n;
    for (size_t j = 0; j < n; ++j) {
      int32_t id = 0;
      in >> id;
      options.logit_bias.push_back({id, number()});
    }
    in >> n;
    std::vector<int32_t> tokens(n);
    for (int32_t& id : tokens) in >> id;
    in >> n;
    std::vector<float> logits(n);
    for (float& x : logits) in >> x;
    in >> n;
    Probabilities wanted;
    for (size_t j = 0; j < n; ++j) {
      int32_t id = 0;
      in >> id;
      in >> wanted[id];
    }
    ASSERT_TRUE(in);
    Sampler sampler(options, static_cast<int32_t>(logits.size()), scalar());
    std::set<int32_t> drawn;
    for (uint64_t position = 0; position < 4000; ++position) {
      const int32_t id = sampler.sample(logits.data(), tokens, position);
      drawn.insert(id);
      const int32_t want = token_at(wanted, uniform(options.seed, position));
      if (want >= 0) {
        ASSERT_EQ(id, want) << "position " << position;
      }
    }
    std::set<int32_t> survivors;
    for (const auto& [id, p] : wanted) survivors.insert(id);
    EXPECT_EQ(drawn, survivors);
  }
}

struct Scored {
  int32_t id;
  double score;
};

// Scores after bias and penalties, written from the definitions.
std::vector<double> adjusted(const SamplingOptions& o, const std::vector<float>& logits, const std::vector<int32_t>& tokens) {
  std::vector<double> scores(logits.begin(), logits.end());
  for (const auto& [id, bias] : o.logit_bias) scores[static_cast<size_t>(id)] += bias;
  std::map<int32_t, int> counts;
  const size_t window = o.repetition_window == 0 ? tokens.size() : std::min<size_t>(o.repetition_window, tokens.size());
  for (size_t i = tokens.size() - window; i < tokens.size(); ++i) ++counts[tokens[i]];
  for (const auto& [id, count] : counts) {
    double& s = scores[static_cast<size_t>(id)];
    s = s < 0 ? s * o.repetition_penalty : s / o.repetition_penalty;
    s -= o.presence_penalty + o.frequency_penalty * count;
  }
  return scores;
}

// Cuts `ranked` (best first) to the tokens before which less than `share` of the mass lies. False: too close to call.
bool cut(std::vector<Scored>& ranked, double share) {
  double total = 0, before = 0;
  for (const Scored& s : ranked) total += std::exp(s.score);
  size_t kept = 0;
  for (; kept < ranked.size(); ++kept) {
    if (std::fabs(before - share) < kMargin) return false;
    if (before >= share) break;
    before += std::exp(ranked[kept].score) / total;
  }
  ranked.resize(kept);
  return true;
}

// Empty: too close to call.
Probabilities reference(const SamplingOptions& o, const std::vector<float>& logits, const std::vector<int32_t>& tokens) {
  const std::vector<double> scores = adjusted(o, logits, tokens);
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<Scored> left;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > -INFINITY) left.push_back({static_cast<int32_t>(i), (scores[i] - largest) / o.temperature});
  }
  const auto best_first = [](const Scored& a, const Scored& b) { return a.score != b.score ? a.score > b.score : a.id < b.id; };
  std::sort(left.begin(), left.end(), best_first);
  if (o.top_k > 0 && static_cast<size_t>(o.top_k) < left.size()) left.resize(static_cast<size_t>(o.top_k));
  if (o.typical_p < 1) {
    double total = 0, entropy = 0;
    for (const Scored& s : left) total += std::exp(s.score);
    const auto surprise = [&](const Scored& s) { return std::log(total) - s.score; };
    for (const Scored& s : left) entropy += std::exp(s.score) / total * surprise(s);
    const auto distance = [&](const Scored& s) { return std::fabs(surprise(s) - entropy); };
    std::sort(left.begin(), left.end(),
              [&](const Scored& a, const Scored& b) { return distance(a) != distance(b) ? distance(a) < distance(b) : a.id < b.id; });
    for (size_t i = 1; i < left.size(); ++i) {  // distinct scores, equally far: rounding decides
      if (left[i].score != left[i - 1].score && distance(left[i]) - distance(left[i - 1]) < kMargin) return {};
    }
    if (!cut(left, o.typical_p)) return {};
    std::sort(left.begin(), left.end(), best_first);
  }
  if (o.top_p < 1 && !cut(left, o.top_p)) return {};
  if (o.min_p > 0) {
    const double bar = left[0].score + std::log(double{o.min_p});
    for (const Scored& s : left) {
      if (std::fabs(s.score - bar) < kMargin) return {};
    }
    std::erase_if(left, [&](const Scored& s) { return s.score < bar; });
  }
  double total = 0;
  for (const Scored& s : left) total += std::exp(s.score);
  Probabilities result;
  for (const Scored& s : left) result[s.id] = std::exp(s.score) / total;
  return result;
}

// Logits with many ties (steps of 1/64) of the spread of a model's.
std::vector<float> random_logits(std::mt19937& rng, size_t n, float spread) {
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(n);
  for (float& x : logits) x = std::round(normal(rng) * 64) / 64;
  return logits;
}

SamplingOptions random_options(std::mt19937& rng, int32_t vocab) {
  const auto any = [&](auto... values) {
    const std::vector<float> list{static_cast<float>(values)...};
    return list[rng() % list.size()];
  };
  SamplingOptions o;
  o.seed = rng();
  o.temperature = any(0.5, 1, 2);
  o.top_k = rng() % 2 ? 0 : 1 + static_cast<int32_t>(rng() % static_cast<uint32_t>(vocab + 5));
  o.top_p = any(1, 1, 0.1, 0.5, 0.9, 0.999);
  o.min_p = any(0, 0, 0.01, 0.3);
  o.typical_p = any(1, 1, 1, 0.3, 0.9);
  o.repetition_penalty = any(1, 1.25, 2);
  o.presence_penalty = any(0, 0.5);
  o.frequency_penalty = any(0, 0.25, -0.25);
  o.repetition_window = rng() % 2 ? 0 : rng() % 40;
  for (uint32_t i = rng() % 4; i > 0; --i)
    o.logit_bias.push_back({static_cast<int32_t>(rng() % static_cast<uint32_t>(vocab)), any(-kInf, -2, 5)});
  return o;
}

TEST(Sampler, AgreesWithFullSortsInDouble) {
  std::mt19937 rng(1);
  int checked = 0;
  for (int i = 0; i < 400; ++i) {
    SCOPED_TRACE(i);
    const int32_t vocab = i % 10 == 0 ? 20000 : 3 + static_cast<int32_t>(rng() % 1000);
    const std::vector<float> logits = random_logits(rng, static_cast<size_t>(vocab), i % 3 == 0 ? 0.2F : 3);
    const SamplingOptions options = random_options(rng, vocab);
    std::vector<int32_t> tokens(rng() % 100);
    for (int32_t& id : tokens) id = static_cast<int32_t>(rng() % static_cast<uint32_t>(std::min(vocab, 50)));
    const Probabilities wanted = reference(options, logits, tokens);
    if (wanted.empty()) continue;
    ++checked;
    Sampler sampler(options, vocab, scalar());
    expect_draws(sampler, options.seed, wanted, logits, tokens, vocab > 5000 ? 10 : 50);
  }
  EXPECT_GT(checked, 200);
}

TEST(Sampler, SameTokensOnEverySimdTarget) {
  std::mt19937 rng(2);
  for (int i = 0; i < 30; ++i) {
    const int32_t vocab = 1 + static_cast<int32_t>(rng() % 5000);
    std::vector<float> logits = random_logits(rng, static_cast<size_t>(vocab), 3);
    if (vocab > 10) logits[3] = logits[7] = -kInf;
    SamplingOptions options = random_options(rng, vocab);
    options.logprobs = 5;
    const std::vector<int32_t> tokens = {0};
    Sampler expected(options, vocab, scalar());
    for (const kernels::KernelTable* table : kernels::available()) {
      if (table->target == "sse41") continue;  // may differ in the last bit (kernels.h)
      if (!kernels::ready(*table)) continue;
      Sampler sampler(options, vocab, *table);
      for (uint64_t position = 0; position < 50; ++position)
        ASSERT_EQ(sampler.sample(logits.data(), tokens, position), expected.sample(logits.data(), tokens, position)) << table->target;
      const Logprobs a = sampler.logprobs(logits.data(), 0), b = expected.logprobs(logits.data(), 0);
      EXPECT_EQ(a.chosen, b.chosen) << table->target;
      ASSERT_EQ(a.best.size(), b.best.size());
      for (size_t j = 0; j < a.best.size(); ++j) {
        EXPECT_EQ(a.best[j].id, b.best[j].id);
        EXPECT_EQ(a.best[j].logprob, b.best[j].logprob);
      }
    }
  }
}

TEST(Sampler, DrawsFollowTheSoftmax) {
  constexpr int kDraws = 200000;
  std::mt19937 rng(3);
  const std::vector<float> logits = random_logits(rng, 50, 1);
  SamplingOptions options;
  options.temperature = 1;
  options.seed = 99;
  Sampler sampler(options, 50, scalar());
  std::vector<int> counts(50);
  for (uint64_t position = 0; position < kDraws; ++position) ++counts[static_cast<size_t>(sampler.sample(logits.data(), {}, position))];
  double chi_square = 0;
  for (const auto& [id, p] : reference(options, logits, {})) {
    const double expected = p * kDraws;
    chi_square += (counts[static_cast<size_t>(id)] - expected) * (counts[static_cast<size_t>(id)] - expected) / expected;
  }
  EXPECT_LT(chi_square, 110);  // 49 degrees of freedom: mean 49, deviation 10
}

int32_t greedy(const SamplingOptions& options, std::vector<float> logits, const std::vector<int32_t>& tokens = {}) {
  Sampler sampler(options, static_cast<int32_t>(logits.size()), scalar());
  return sampler.sample(logits.data(), tokens, tokens.size());
}

TEST(Sampler, GreedyTakesTheLowestIdOfTheLargest) {
  EXPECT_EQ(greedy({}, {1, 3, 3, 2}), 1);
  EXPECT_EQ(greedy({}, {-kInf, -5, -kInf}), 1);
  EXPECT_EQ(greedy({}, {0}), 0);
}

TEST(Sampler, GreedyStillAppliesBiasAndPenalties) {
  SamplingOptions options;
  options.logit_bias = {{1, -kInf}, {0, 1.5F}, {0, 1}};  // entries of one token add up
  EXPECT_EQ(greedy(options, {1, 9, 3}), 0);
  options = {};
  options.presence_penalty = 1;
  EXPECT_EQ(greedy(options, {2, 1.5F, 0}, {0, 0, 0}), 1);
  options.presence_penalty = 0.25F;
  EXPECT_EQ(greedy(options, {2, 1.5F, 0}, {0, 0, 0}), 0);
  options = {};
  options.frequency_penalty = 0.25F;  // 2 - 3 * 0.25 < 1.5; 2 - 0.25 > 1.5
  EXPECT_EQ(greedy(options, {2, 1.5F, 0}, {0, 0, 0}), 1);
  EXPECT_EQ(greedy(options, {2, 1.5F, 0}, {0}), 0);
  options.repetition_window = 2;  // two of the three are out of sight: 2 - 0.25 ... the last two count
  EXPECT_EQ(greedy(options, {2, 1.6F, 0}, {0, 0, 2, 2}), 0);
  EXPECT_EQ(greedy(options, {2, 1.6F, 0}, {2, 2, 0, 0}), 1);
  options = {};
  options.repetition_penalty = 2;  // divides what is positive, multiplies what is negative
  EXPECT_EQ(greedy(options, {2, 1.5F, 0}, {0}), 1);
  EXPECT_EQ(greedy(options, {-2, -3, -5}, {0}), 1);
}

TEST(Sampler, CountsAreOnlyACacheOfTheTokens) {
  std::mt19937 rng(4);
  for (const uint32_t window : {0U, 1U, 7U, 64U, UINT32_MAX}) {
    SamplingOptions options;
    options.temperature = 1;
    options.repetition_penalty = 1.3F;
    options.frequency_penalty = 0.1F;
    options.repetition_window = window;
    const std::vector<float> logits = random_logits(rng, 30, 1);
    Sampler kept(options, 30, scalar());
    std::vector<int32_t> tokens = {1, 2, 3, 3, 29};
    for (int i = 0; i < 200; ++i) {
      Sampler fresh(options, 30, scalar());
      const int32_t id = kept.sample(logits.data(), tokens, tokens.size());
      ASSERT_EQ(id, fresh.sample(logits.data(), tokens, tokens.size())) << "window " << window << ", token " << i;
      tokens.push_back(id);
      if (i % 50 == 49) tokens.insert(tokens.end(), 100, static_cast<int32_t>(rng() % 30));
    }
    tokens.assign(20, 5);
    kept.reset();
    Sampler fresh(options, 30, scalar());
    for (uint64_t position = 0; position < 50; ++position)
      ASSERT_EQ(kept.sample(logits.data(), tokens, position), fresh.sample(logits.data(), tokens, position));
  }
}

TEST(Sampler, EveryFilterLeavesOneToken) {
  std::mt19937 rng(5);
  for (const float spread : {0.0F, 0.1F, 30.0F}) {
    const std::vector<float> logits = random_logits(rng, 500, spread);
    const auto largest = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    const auto expect_one = [&](auto set) {
      SamplingOptions options;
      options.temperature = 1;
      set(options);
      Sampler sampler(options, 500, scalar());
      const int32_t first = sampler.sample(logits.data(), {}, 0);
      for (uint64_t position = 0; position < 50; ++position) EXPECT_EQ(sampler.sample(logits.data(), {}, position), first);
      return first;
    };
    EXPECT_EQ(expect_one([](SamplingOptions& o) { o.top_k = 1; }), largest);
    EXPECT_EQ(expect_one([](SamplingOptions& o) { o.top_p = FLT_TRUE_MIN; }), largest);
    expect_one([](SamplingOptions& o) { o.typical_p = FLT_TRUE_MIN; });
    if (spread == 30) {
      EXPECT_EQ(expect_one([](SamplingOptions& o) { o.min_p = 1; }), largest);
    }
  }
}

TEST(Sampler, ExtremeOptionsNeverLeaveTheAllowedTokens) {
  std::mt19937 rng(6);
  std::vector<float> logits = random_logits(rng, 100, 5);
  logits[10] = FLT_MAX;
  logits[11] = -FLT_MAX;
  logits[12] = -kInf;
  const std::vector<int32_t> tokens = {10, 11, 12, 13, 14};
  for (const float temperature : {0.0F, FLT_TRUE_MIN, 1e-10F, 1.0F, FLT_MAX}) {
    for (const float repetition : {FLT_TRUE_MIN, 1.0F, FLT_MAX}) {
      for (const float bias : {-FLT_MAX, -kInf, FLT_MAX}) {
        for (const bool filters : {false, true}) {
          SamplingOptions options;
          options.temperature = temperature;
          options.repetition_penalty = repetition;
          options.presence_penalty = -100;
          options.frequency_penalty = 100;
          options.logit_bias = {{10, bias}, {20, bias}, {21, -kInf}};
          if (filters) options.typical_p = options.top_p = 0.9F, options.min_p = 1e-30F;
          Sampler sampler(options, 100, scalar());
          for (uint64_t position = 0; position < 20; ++position) {
            const int32_t id = sampler.sample(logits.data(), tokens, position);
            ASSERT_TRUE(id >= 0 && id < 100 && id != 12 && id != 21) << id;
          }
        }
      }
    }
  }
}

TEST(Sampler, LogitsThatAreNotFinite) {
  for (const float temperature : {0.0F, 1.0F}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.logprobs = 2;
    Sampler sampler(options, 4, scalar());
    for (const float bad : {kNan, kInf}) {
      const std::vector<float> logits = {1, -kInf, bad, 2};
      EXPECT_ERROR(sampler.sample(logits.data(), {}, 0), base::Status::data_loss, "token 2 has");
      EXPECT_ERROR(sampler.logprobs(logits.data(), 0), base::Status::data_loss, "not finite");
    }
    const std::vector<float> none(4, -kInf), some = {-kInf, -kInf, 3, -kInf};
    EXPECT_ERROR(sampler.sample(none.data(), {}, 0), base::Status::data_loss, "all -inf");
    for (uint64_t position = 0; position < 50; ++position) EXPECT_EQ(sampler.sample(some.data(), {}, position), 2);
    options.logit_bias = {{2, -kInf}};
    Sampler forbidding(options, 4, scalar());
    EXPECT_ERROR(forbidding.sample(some.data(), {}, 0), base::Status::invalid_argument, "forbids every token");
  }
}

TEST(Sampler, LogprobsAreTheModelsOwn) {
  std::mt19937 rng(7);
  for (const size_t vocab : {size_t{1}, size_t{50}, size_t{3000}, size_t{70000}}) {
    std::vector<float> logits = random_logits(rng, vocab, 4);
    if (vocab > 1) logits[1] = -kInf;
    double total = 0;
    for (const float x : logits) total += std::exp(double{x});
    SamplingOptions options;
    options.temperature = 0.3F;  // these three must not matter
    options.top_k = 1;
    options.logit_bias = {{0, 50}};
    options.logprobs = 100;
    Sampler sampler(options, static_cast<int32_t>(vocab), scalar());
    std::vector<int32_t> order(vocab);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)]; });
    for (const int32_t token : {0, static_cast<int32_t>(vocab / 2)}) {
      const Logprobs result = sampler.logprobs(logits.data(), token);
      EXPECT_NEAR(result.chosen, logits[static_cast<size_t>(token)] - std::log(total), 1e-5);
      ASSERT_EQ(result.best.size(), std::min<size_t>(100, vocab));
      for (size_t i = 0; i < result.best.size(); ++i) {
        EXPECT_EQ(result.best[i].id, order[i]);
        if (result.best[i].id != 1) {
          EXPECT_NEAR(result.best[i].logprob, logits[static_cast<size_t>(order[i])] - std::log(total), 1e-5);
        }
      }
    }
    if (vocab > 1) {
      EXPECT_EQ(sampler.logprobs(logits.data(), 1).chosen, -kInf);
    }
  }
  Sampler without({}, 2, scalar());
  const std::vector<float> two = {0, 0};
  EXPECT_FLOAT_EQ(without.logprobs(two.data(), 1).chosen, -std::log(2.0F));
  EXPECT_TRUE(without.logprobs(two.data(), 1).best.empty());
}

TEST(Sampler, RisingLogitsAreNoWorstCase) {  // every value beats the bar of the selection
  std::vector<float> logits(200000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i) / 1e5F;
  SamplingOptions options;
  options.temperature = 1;
  options.top_k = 40;
  Sampler sampler(options, 200000, scalar());
  for (uint64_t position = 0; position < 20; ++position) EXPECT_GE(sampler.sample(logits.data(), {}, position), 200000 - 40);
}

}  // namespace
}  // namespace rustml::generation
