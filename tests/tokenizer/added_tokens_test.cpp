// What real files never have together is here; flags one by one are in huggingface_variants.json.
#include "tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <tuple>

#include "cpu_time.h"

namespace {

using namespace rustml::tokenizer;
using Cuts = std::vector<std::tuple<size_t, size_t, int32_t>>;

Cuts cut(const AddedTokens& tokens, std::string_view text, const std::vector<Stretch>& trusted = {}) {
  rustml::runtime::StopSignal stop;
  Cuts out;
  for (const AddedTokens::Cut c : tokens.cut(text, trusted, stop)) out.emplace_back(c.begin, c.end, c.id);
  return out;
}

AddedTokens sample() {
  return AddedTokens({{.id = 1, .text = "<m>", .marker = true},
                      {.id = 2, .text = "<t>"},
                      {.id = 3, .text = "m><t>x"},
                      {.id = 4, .text = "w", .single_word = true}});
}

TEST(AddedTokens, MarkersOnlyInsideTrust) {
  const AddedTokens tokens = sample();
  EXPECT_EQ(cut(tokens, ""), Cuts{});
  EXPECT_EQ(cut(tokens, "a<m>"), (Cuts{{0, 4, -1}}));
  EXPECT_EQ(cut(tokens, "a<m>", {{0, 4}}), (Cuts{{0, 1, -1}, {1, 4, 1}}));
  EXPECT_EQ(cut(tokens, "a<m>", {{0, 3}}), (Cuts{{0, 4, -1}}));
  EXPECT_EQ(cut(tokens, "a<m>", {{0, 2}, {2, 4}}), (Cuts{{0, 4, -1}}));
  EXPECT_EQ(cut(tokens, "<t><m><t>", {{3, 6}}), (Cuts{{0, 3, 2}, {3, 6, 1}, {6, 9, 2}}));
}

TEST(AddedTokens, WhatIsTrustedWinsOverWhatPeopleWrite) {
  const AddedTokens tokens = sample();
  EXPECT_EQ(cut(tokens, "<m><t>x"), (Cuts{{0, 1, -1}, {1, 7, 3}}));
  EXPECT_EQ(cut(tokens, "<m><t>x", {{0, 3}}), (Cuts{{0, 3, 1}, {3, 6, 2}, {6, 7, -1}}));
}

TEST(AddedTokens, SingleWordsStandAlone) {
  const AddedTokens tokens = sample();
  EXPECT_EQ(cut(tokens, "w w, ww \u00E9w w\u200D"), (Cuts{{0, 1, 4}, {1, 2, -1}, {2, 3, 4}, {3, 16, -1}}));
}

TEST(AddedTokens, StrippingIsNotQuadratic) {
  const AddedTokens tokens({{.id = 1, .text = " ", .lstrip = true, .rstrip = true}, {.id = 2, .text = "\t", .rstrip = true}});
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += i % 2 ? " " : "\t";
  const double begin = fixtures::cpu_seconds();
  EXPECT_FALSE(cut(tokens, text).empty());
  EXPECT_LT(fixtures::cpu_seconds() - begin, 10.0);
}

}  // namespace
