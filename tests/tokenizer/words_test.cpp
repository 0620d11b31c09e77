// Steps against `tokenizers` are in huggingface_variants.json; here is what one step hands to the next.
#include "tokenizer/words.h"

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Status;

std::vector<std::string> split(const std::string& json, std::string_view text, bool at_start = true) {
  const WordSplitter splitter(rustml::base::parse_json(json, "x"));
  rustml::runtime::StopSignal stop;
  Words words;
  words.set_text(text, at_start);
  splitter.apply(words, stop);
  std::vector<std::string> out;
  for (const Words::Word word : words.words) out.emplace_back(words.of(word));
  return out;
}
using List = std::vector<std::string>;

TEST(Words, StepsFollowEachOther) {
  const std::string steps = R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits","individual_digits":true},)"
                            R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":false}]})";
  EXPECT_EQ(split(steps, " a1 \u00E9 "), (List{"\u0120a", "\u01201", "\u0120\u00C3\u00A9"}));
  EXPECT_EQ(split(steps, ""), List{});
  EXPECT_EQ(split(steps, "  "), List{});
}

TEST(Words, FirstMeansTheBeginningOfTheText) {
  const std::string first = R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first"})";
  EXPECT_EQ(split(first, "a b"), (List{"_a", "_b"}));
  EXPECT_EQ(split(first, "a b", false), (List{"a", "_b"}));
}

TEST(Words, RefusesContradictions) {
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":""})", ""), Status::data_loss, "must be one character");
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":"ab"})", ""), Status::data_loss, "must be one character");
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"last"})", ""), Status::unimplemented, "last");
  EXPECT_ERROR(split(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"first","add_prefix_space":false})", ""), Status::data_loss,
               "contradicts");
  EXPECT_ERROR(split(R"({"type":"Split","behavior":"Other","pattern":{"String":"a"}})", ""), Status::unimplemented, "Other");
  EXPECT_ERROR(split(R"({"type":"Split","behavior":"Isolated"})", ""), Status::data_loss, "pattern is missing");
}

}  // namespace
