#include "tokenizer/text_pattern.h"

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Status;
using Found = std::vector<std::pair<size_t, size_t>>;

TextPattern pattern(const std::string& json) {
  const rustml::base::Json step = rustml::base::parse_json(R"({"pattern":)" + json + "}", "x");
  return TextPattern(JsonFields(step, "step"));
}

Found all(const TextPattern& wanted, std::string_view text) {
  rustml::runtime::StopSignal stop;
  TextPattern::Search search(wanted);
  search.set_text(text);
  Found out;
  for (Regex::Match match; search.next(match, stop);) out.emplace_back(match.begin, match.end);
  return out;
}

TEST(TextPattern, FindsStringsAndRegexes) {
  EXPECT_EQ(all(pattern(R"({"String":"aa"})"), "aaaaa"), (Found{{0, 2}, {2, 4}}));
  EXPECT_EQ(all(pattern(R"({"String":"."})"), "a.b"), (Found{{1, 2}}));
  EXPECT_EQ(all(pattern(R"({"Regex":"a+"})"), "aaba"), (Found{{0, 2}, {3, 4}}));
  EXPECT_EQ(all(pattern(R"({"Regex":"a+"})"), ""), Found{});
  // An empty match right behind another is none.
  EXPECT_EQ(all(pattern(R"({"Regex":"a*"})"), "ab\u00E9"), (Found{{0, 1}, {2, 2}, {4, 4}}));
  EXPECT_EQ(all(pattern(R"({"String":""})"), "\u00E9b"), (Found{{0, 0}, {2, 2}, {3, 3}}));
}

TEST(TextPattern, Replaces) {
  rustml::runtime::StopSignal stop;
  std::string out;
  pattern(R"({"Regex":"b+"})").replace("abbab", "xyz", out, 100, stop);
  EXPECT_EQ(out, "axyzaxyz");
}

TEST(TextPattern, RefusesOthers) {
  EXPECT_ERROR(pattern("3"), Status::data_loss, "step.pattern is 3; it must be an object");
  EXPECT_ERROR(pattern("{}"), Status::data_loss, "step.pattern.String is missing");
  EXPECT_ERROR(pattern("{\"Regex\":\"(?<n>a)\"}"), Status::unimplemented, "(?<n>a)");
}

}  // namespace
