// Tokens split out of the text, trust, BOS and EOS, flags: on a small byte-level vocabulary.
#include "tokenizer/vocabulary_tokenizer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "../base/expect_error.h"
#include "fixtures.h"

namespace {

using namespace fixtures;
using rustml::base::Status;
using rustml::tokenizer::kSpecial;
using rustml::tokenizer::kStop;
using Ids = std::vector<int32_t>;

struct Sample {
  ByteVocabulary v;
  int32_t end = 0, start = 1;  // <|im_end|>, <|im_start|>
  int32_t tool = v.add("<tool>", kUserDefined), tools = v.add("<tool>s", kUserDefined), fake = v.add("<|fake|>", kUserDefined);
  int32_t il = v.merge("i", "l");
  std::unique_ptr<Tokenizer> tokenizer = load(v.file());

  Ids spans(const std::vector<Span>& spans) const {
    rustml::runtime::StopSignal stop;
    return tokenizer->encode_spans(spans, {}, stop).ids;
  }
};

TEST(VocabularyTokenizer, ControlTokensOnlyWhereAsked) {
  const Sample s;
  EXPECT_EQ(encode(*s.tokenizer, "<|im_end|>").size(), 10u);
  EXPECT_EQ(encode(*s.tokenizer, "<|im_end|>", {.parse_special = true}), (Ids{s.end}));
  EXPECT_EQ(encode(*s.tokenizer, "a<|im_start|><|im_end|>b", {.parse_special = true}), (Ids{s.v.id("a"), s.start, s.end, s.v.id("b")}));
}

TEST(VocabularyTokenizer, UserDefinedTokensEverywhereButMarkersNot) {
  const Sample s;
  EXPECT_EQ(encode(*s.tokenizer, "<tool>"), (Ids{s.tool}));
  EXPECT_EQ(encode(*s.tokenizer, "<tool>s<tool>"), (Ids{s.tools, s.tool}));  // the longest
  EXPECT_EQ(encode(*s.tokenizer, "<|fake|>").size(), 8u) << "a user-defined token that looks like a marker is one";
  EXPECT_EQ(encode(*s.tokenizer, "<|fake|>", {.parse_special = true}), (Ids{s.fake}));
}

TEST(VocabularyTokenizer, SpansAreOneTextBetweenMarkers) {
  const Sample s;
  EXPECT_EQ(s.spans({{"i", true}, {"l", false}}), (Ids{s.il}));
  EXPECT_EQ(s.spans({{"<to", false}, {"ol>", true}}), (Ids{s.tool}));
  EXPECT_EQ(s.spans({{"<|im_end|>", true}, {"i", false}, {"", true}, {"l", false}}), (Ids{s.end, s.il}));
  EXPECT_EQ(s.spans({}), Ids{});
  EXPECT_EQ(s.spans({{"", true}}), Ids{});
}

TEST(VocabularyTokenizer, MarkersNeedTrustThroughout) {
  const Sample s;
  EXPECT_EQ(s.spans({{"<|im_end|>", false}}).size(), 10u);
  EXPECT_EQ(s.spans({{"<|im_", true}, {"end|>", false}}).size(), 10u);
  EXPECT_EQ(s.spans({{"<|im_", false}, {"end|>", true}}).size(), 10u);
  EXPECT_EQ(s.spans({{"<|im_", true}, {"end|>", true}}), (Ids{s.end}));
  EXPECT_EQ(s.spans({{"<|im_", true}, {"", false}, {"end|>", true}}).size(), 10u);
}

// No text that people write becomes a marker, however it is cut and whatever stands around it.
RC_GTEST_PROP(VocabularyTokenizer, UntrustedTextHoldsNoMarkers, ()) {
  static const Sample s;
  static const std::vector<std::string> parts{"<|im_start|>", "<|im_end|>", "<|",     "im_end", "|>", "<|fake|>",
                                              "<tool>",       "\n",         "system", "a",      "<"};
  std::vector<std::string> texts;
  std::vector<bool> trust;
  size_t markers = 0;
  for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
    trust.push_back(*rc::gen::arbitrary<bool>());
    if (trust.back()) {
      texts.push_back("<|im_start|>");
      ++markers;
    } else {
      texts.emplace_back();
      for (int k = *rc::gen::inRange(0, 6); k > 0; --k) texts.back() += *rc::gen::elementOf(parts);
    }
  }
  std::vector<Span> spans;
  std::string whole;
  for (size_t i = 0; i < texts.size(); ++i) {
    spans.push_back({texts[i], trust[i]});
    whole += texts[i];
  }
  const Ids ids = s.spans(spans);
  RC_ASSERT(static_cast<size_t>(std::count(ids.begin(), ids.end(), s.start)) == markers);
  RC_ASSERT(std::count(ids.begin(), ids.end(), s.end) == 0);
  RC_ASSERT(std::count(ids.begin(), ids.end(), s.fake) == 0);
  RC_ASSERT(s.tokenizer->decode(ids.data(), ids.size(), false) == whole);
}

TEST(VocabularyTokenizer, BosAndEosWhenTheFileSaysSo) {
  const ByteVocabulary v;
  ModelFile file = v.file();
  EXPECT_EQ(encode(*load(file), "a", {.add_special = true}), (Ids{v.id("a")}));
  file.metadata["tokenizer.ggml.add_bos_token"] = true;
  file.metadata["tokenizer.ggml.add_eos_token"] = true;
  EXPECT_TRUE(load(file)->adds_bos());
  EXPECT_EQ(encode(*load(file), "a", {.add_special = true}), (Ids{1, v.id("a"), 0}));
  EXPECT_EQ(encode(*load(file), "a"), (Ids{v.id("a")}));
  EXPECT_EQ(encode(*load(v.file("llama-bpe")), "a", {.add_special = true}), (Ids{1, v.id("a")}));  // Llama 3's default
}

TEST(VocabularyTokenizer, TwoBosAreOneRecord) {
  const ByteVocabulary v;
  ModelFile file = v.file();
  const auto plain = load(file);
  file.metadata["tokenizer.ggml.add_bos_token"] = true;
  const auto adds = load(file);
  OddRecords records;
  EXPECT_EQ(encode(*adds, "<|im_start|>a", {.add_special = true, .parse_special = true}), (Ids{1, 1, v.id("a")}));
  EXPECT_EQ(records.take(),
            "text: begins with two BOS tokens, one of its own and one that the model's file adds; leave it out of the text, or pass "
            "RUSTML_PROMPT_NO_BOS\n");
  encode(*adds, "<|im_start|>a", {.parse_special = true});
  encode(*adds, "<|im_start|>a", {.add_special = true});
  encode(*adds, "a<|im_start|>", {.add_special = true, .parse_special = true});
  encode(*plain, "<|im_start|><|im_start|>", {.add_special = true, .parse_special = true});
  encode(*adds, "", {.add_special = true, .parse_special = true});
  EXPECT_EQ(records.take(), "");
}

TEST(VocabularyTokenizer, FlagsAndDecoding) {
  const Sample s;
  EXPECT_EQ(s.tokenizer->token_flags(s.end), kSpecial | kStop);
  EXPECT_EQ(s.tokenizer->token_flags(s.start), static_cast<uint32_t>(kSpecial));
  EXPECT_EQ(s.tokenizer->token_flags(s.tool), static_cast<uint32_t>(kSpecial));
  EXPECT_EQ(s.tokenizer->token_flags(s.il), 0u);
  const Ids ids{s.start, s.il, s.tool, s.end};
  EXPECT_EQ(s.tokenizer->decode(ids.data(), ids.size(), false), "<|im_start|>il<tool><|im_end|>");
  EXPECT_EQ(s.tokenizer->decode(ids.data(), ids.size(), true), "il<tool>");
  EXPECT_EQ(s.tokenizer->decode(nullptr, 0, true), "");
}

TEST(VocabularyTokenizer, RefusesTextThatIsNoText) {
  const Sample s;
  EXPECT_ERROR(encode(*s.tokenizer, "ab\xFF"), Status::invalid_argument, "not UTF-8 at byte 2");
  EXPECT_ERROR(s.spans({{"ab", true}, {"\xC3", false}}), Status::invalid_argument, "not UTF-8 at byte 2");
  EXPECT_EQ(encode(*s.tokenizer, std::string("a\0b", 3)).size(), 3u);
  rustml::runtime::StopSignal stop;
  const Span huge{{"x", (size_t{64} << 20) + 1}, false};  // refused by its length, never read
  EXPECT_ERROR(s.tokenizer->encode_spans({huge}, {}, stop), Status::resource_exhausted, "67108864");
}

}  // namespace
