#include "tokenizer/token_matcher.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <set>

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Status;

std::vector<std::pair<uint32_t, int32_t>> found(const TokenMatcher& matcher, std::string_view text) {
  rustml::runtime::StopSignal stop;
  std::vector<std::pair<uint32_t, int32_t>> out;
  for (const TokenMatcher::Hit hit : matcher.find(text, stop)) out.emplace_back(hit.begin, hit.id);
  return out;
}

std::vector<int32_t> all_ids(size_t n) {
  std::vector<int32_t> ids(n);
  for (size_t i = 0; i < n; ++i) ids[i] = static_cast<int32_t>(i);
  return ids;
}

RC_GTEST_PROP(TokenMatcher, TakesTheLeftmostLongest, ()) {
  const auto word = [](size_t least, size_t most) {
    return rc::gen::container<std::string>(*rc::gen::inRange(least, most), rc::gen::elementOf(std::string("aab")));
  };
  std::set<std::string> distinct;
  for (int i = *rc::gen::inRange(1, 12); i > 0; --i) distinct.insert(*word(1, 8));
  const std::vector<std::string> tokens(distinct.begin(), distinct.end());
  const std::string text = *word(0, 60);
  const Vocabulary vocabulary(tokens, {}, {}, "tokens");
  const TokenMatcher matcher(vocabulary, all_ids(tokens.size()));

  std::vector<std::pair<uint32_t, int32_t>> expected;
  for (size_t i = 0; i < text.size();) {
    size_t longest = 0;
    int32_t id = -1;
    for (size_t k = 0; k < tokens.size(); ++k) {
      if (tokens[k].size() > longest && text.compare(i, tokens[k].size(), tokens[k]) == 0)
        longest = tokens[k].size(), id = static_cast<int32_t>(k);
    }
    if (id >= 0) expected.emplace_back(static_cast<uint32_t>(i), id);
    i += id >= 0 ? longest : 1;
  }
  RC_ASSERT(found(matcher, text) == expected);
}

TEST(TokenMatcher, NothingToFind) {
  EXPECT_TRUE(found(TokenMatcher(), "text").empty());
  const Vocabulary vocabulary({"<a>"}, {}, {}, "tokens");
  EXPECT_TRUE(found(TokenMatcher(vocabulary, {}), "<a>").empty());
  EXPECT_TRUE(found(TokenMatcher(vocabulary, {0}), "").empty());
}

// A walk forward that starts again after each hit would read the long token once per letter.
TEST(TokenMatcher, LongTokensDoNotMakeItQuadratic) {
  const Vocabulary vocabulary({"a", std::string(60'000, 'a') + "b", "b" + std::string(60'000, 'a')}, {}, {}, "tokens");
  const TokenMatcher matcher(vocabulary, all_ids(3));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(found(matcher, std::string(4'000'000, 'a')).size(), 4'000'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(TokenMatcher, RefusesAMegabyteOfSpecialTokens) {
  std::vector<std::string> tokens;
  for (char c = 'a'; c < 'a' + 17; ++c) tokens.push_back(std::string(64 * 1024, c));
  const Vocabulary vocabulary(tokens, {}, {}, "tokens");
  EXPECT_ERROR(TokenMatcher(vocabulary, all_ids(tokens.size())), Status::resource_exhausted, "limit 1048576");
  EXPECT_NO_THROW(TokenMatcher(vocabulary, all_ids(tokens.size() - 1)));
}

}  // namespace
