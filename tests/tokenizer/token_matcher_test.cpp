#include "tokenizer/token_matcher.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "../base/expect_error.h"
#include "cpu_time.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Status;

std::vector<std::pair<uint32_t, uint32_t>> found(const TokenMatcher& matcher, std::string_view text) {
  rustml::runtime::StopSignal stop;
  std::vector<std::pair<uint32_t, uint32_t>> out;
  for (const TokenMatcher::Hit hit : matcher.matches(text, stop)) out.emplace_back(hit.begin, hit.which);
  return out;
}

TokenMatcher matcher_of(const std::vector<std::string>& texts) { return TokenMatcher({texts.begin(), texts.end()}); }

RC_GTEST_PROP(TokenMatcher, TakesTheLeftmostLongest, ()) {
  const auto word = [](size_t least, size_t most) {
    return rc::gen::container<std::string>(*rc::gen::inRange(least, most), rc::gen::elementOf(std::string("aab")));
  };
  std::set<std::string> distinct;
  for (int i = *rc::gen::inRange(1, 12); i > 0; --i) distinct.insert(*word(1, 8));
  const std::vector<std::string> tokens(distinct.begin(), distinct.end());
  const std::string text = *word(0, 60);
  const TokenMatcher matcher = matcher_of(tokens);

  std::vector<std::pair<uint32_t, uint32_t>> expected;
  for (size_t i = 0; i < text.size();) {
    size_t longest = 0;
    uint32_t which = 0;
    for (size_t k = 0; k < tokens.size(); ++k) {
      if (tokens[k].size() > longest && text.compare(i, tokens[k].size(), tokens[k]) == 0)
        longest = tokens[k].size(), which = static_cast<uint32_t>(k);
    }
    if (longest > 0) expected.emplace_back(static_cast<uint32_t>(i), which);
    i += std::max<size_t>(longest, 1);
  }
  RC_ASSERT(found(matcher, text) == expected);
}

TEST(TokenMatcher, NothingToFind) {
  EXPECT_TRUE(found(TokenMatcher(), "text").empty());
  EXPECT_TRUE(found(matcher_of({}), "<a>").empty());
  EXPECT_TRUE(found(matcher_of({""}), "<a>").empty());
  EXPECT_TRUE(found(matcher_of({"<a>"}), "").empty());
}

TEST(TokenMatcher, OfEqualTextsTheFirstCounts) {
  using Found = std::vector<std::pair<uint32_t, uint32_t>>;
  EXPECT_EQ(found(matcher_of({"b", "ab", "", "ab", "b"}), "abb"), (Found{{0, 1}, {2, 0}}));
}

// A walk forward that starts again after each hit would read the long token once per letter.
TEST(TokenMatcher, LongTokensDoNotMakeItQuadratic) {
  const TokenMatcher matcher = matcher_of({"a", std::string(60'000, 'a') + "b", "b" + std::string(60'000, 'a')});
  const double begin = fixtures::cpu_seconds();
  EXPECT_EQ(found(matcher, std::string(4'000'000, 'a')).size(), 4'000'000u);
  EXPECT_LT(fixtures::cpu_seconds() - begin, 10.0);
}

TEST(TokenMatcher, RefusesAMegabyteOfSpecialTokens) {
  std::vector<std::string> tokens;
  for (char c = 'a'; c < 'a' + 17; ++c) tokens.push_back(std::string(64 * 1024, c));
  EXPECT_ERROR(matcher_of(tokens), Status::resource_exhausted, "limit 1048576");
  tokens.pop_back();
  EXPECT_NO_THROW(matcher_of(tokens));
}

}  // namespace
