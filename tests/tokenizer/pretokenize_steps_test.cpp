// Steps against `tokenizers` are in huggingface_variants.json; here is what one step hands to the next.
#include "tokenizer/pretokenize_steps.h"

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Status;

std::vector<std::string> split(const std::string& json, std::string_view text, bool at_start = true) {
  const PretokenizeSteps splitter(rustml::base::parse_json(json, "x"));
  rustml::runtime::StopSignal stop;
  PreTokens tokens;
  tokens.set_text(text, at_start);
  splitter.apply(tokens, stop);
  std::vector<std::string> out;
  for (const PreTokens::Range range : tokens.ranges) out.emplace_back(tokens.of(range));
  return out;
}
using List = std::vector<std::string>;

TEST(PretokenizeSteps, StepsFollowEachOther) {
  const std::string steps = R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits","individual_digits":true},)"
                            R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":false}]})";
  EXPECT_EQ(split(steps, " a1 \u00E9 "), (List{"\u0120a", "\u01201", "\u0120\u00C3\u00A9"}));
  EXPECT_EQ(split(steps, ""), List{});
  EXPECT_EQ(split(steps, "  "), List{});
}

TEST(PretokenizeSteps, FirstMeansTheBeginningOfTheText) {
  const std::string first = R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first"})";
  EXPECT_EQ(split(first, "a b"), (List{"_a", "_b"}));
  EXPECT_EQ(split(first, "a b", false), (List{"a", "_b"}));
}

TEST(PretokenizeSteps, RefusesContradictions) {
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":""})", ""), Status::data_loss, "must be one character");
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":"ab"})", ""), Status::data_loss, "must be one character");
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"last"})", ""), Status::unimplemented, "last");
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first","add_prefix_space":false})", ""), Status::data_loss,
               "contradicts");
  EXPECT_ERROR(split(R"({"type":"Split","behavior":"Other","pattern":{"String":"a"}})", ""), Status::unimplemented, "Other");
  EXPECT_ERROR(split(R"({"type":"Split","behavior":"Isolated"})", ""), Status::data_loss, "pattern is missing");
}

}  // namespace
