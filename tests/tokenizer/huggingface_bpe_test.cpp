// Every part of tokenizer.json on small files against PyPI `tokenizers` (make_huggingface_reference.py); trust, long texts and
// files that are made to cost too much.
#include "tokenizer/huggingface_bpe.h"

#include <pthread.h>

#include "../base/expect_error.h"
#include "base/json.h"
#include "fixtures.h"
#include "tokenizer/stream_decoder.h"

namespace {

using namespace fixtures;
using rustml::base::Json;
using rustml::base::Status;
using Ids = std::vector<int32_t>;

Ids ids_of(const Json& json) {
  Ids ids;
  for (const Json& id : json.items) ids.push_back(static_cast<int32_t>(id.integer));
  return ids;
}

std::string valid_text(const std::string& bytes) {
  rustml::tokenizer::StreamDecoder decoder;
  std::string text;
  decoder.push(bytes, text);
  decoder.finish(text);
  return text;
}

TEST(HuggingfaceBpe, EveryPartAsTokenizers) {
  const Json all = rustml::base::parse_json(Data("huggingface_variants.json").all(), "variants");
  const std::vector<Json>& texts = all.find("texts")->items;
  size_t n = 0;
  for (const Json& test : all.find("cases")->items) {
    SCOPED_TRACE(test.find("name")->string);
    const auto tokenizer = load_huggingface({{"tokenizer.json", test.find("tokenizer")->string}});
    for (size_t i = 0; i < texts.size(); ++i, ++n) {
      const Ids expected = ids_of(test.find("ids")->items[i]);
      EXPECT_EQ(encode(*tokenizer, texts[i].string, {.add_special = true, .parse_special = true}), expected) << texts[i].string;
      const auto decoded = [&](bool skip) { return valid_text(tokenizer->decode(expected.data(), expected.size(), skip)); };
      EXPECT_EQ(decoded(false), test.find("decoded")->items[i].string) << texts[i].string;
      EXPECT_EQ(decoded(true), test.find("skipped")->items[i].string) << texts[i].string;
    }
  }
  EXPECT_GE(n, 1500u);
}

// Members of a file with the letters a to d, blank, and what `merges` make.
std::string file(const std::string& parts, const std::string& merges = "") {
  return R"({"added_tokens":[{"id":8,"content":"<s>","special":true},{"id":9,"content":"<tool>"},)"
         R"({"id":10,"content":"<N>","special":true,"normalized":true}],)" +
         parts + R"("model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"d":3," ":4,"aa":5,"<":6,"n":7,"aaaa":11,"ab":12},"merges":[)" +
         merges + "]}}";
}
std::unique_ptr<Tokenizer> load_file(const std::string& parts, const std::string& merges = "") {
  return load_huggingface({{"tokenizer.json", file(parts, merges)}});
}

TEST(HuggingfaceBpe, MarkersOnlyWhereTrusted) {
  const auto tokenizer = load_file("");
  const auto spans = [&](const std::vector<Span>& list) {
    rustml::runtime::StopSignal stop;
    return tokenizer->encode_spans(list, {}, stop).ids;
  };
  EXPECT_EQ(encode(*tokenizer, "a<s>b", {.parse_special = true}), (Ids{0, 8, 1}));
  EXPECT_EQ(encode(*tokenizer, "a<s>b<tool>"), (Ids{0, 6, 1, 9}));
  EXPECT_EQ(spans({{"<s>", true}, {"a<s>", false}, {"<s>", true}}), (Ids{8, 0, 6, 8}));
  EXPECT_EQ(spans({{"<", true}, {"s>a", false}}), (Ids{6, 0}));
  EXPECT_EQ(spans({{"<to", true}, {"ol>a", false}}), (Ids{9, 0}));
}

// A marker that is looked for in normalized text, where spans cannot be told apart.
TEST(HuggingfaceBpe, NormalizedMarkersOnlyWhereTrusted) {
  const auto tokenizer = load_file(R"("normalizer":{"type":"Lowercase"},)");
  const auto spans = [&](const std::vector<Span>& list) {
    rustml::runtime::StopSignal stop;
    return tokenizer->encode_spans(list, {}, stop).ids;
  };
  EXPECT_EQ(encode(*tokenizer, "a<n>B<N>", {.parse_special = true}), (Ids{0, 10, 1, 10}));
  EXPECT_EQ(encode(*tokenizer, "a<n>B"), (Ids{0, 6, 7, 1}));
  EXPECT_EQ(spans({{"a<n>", true}, {"<N>b", false}, {"c", true}, {"<n>", false}, {"d<N>", true}}), (Ids{0, 10, 6, 7, 1, 2, 6, 7, 3, 10}));
  EXPECT_EQ(spans({{"<", true}, {"n", false}, {">", true}}), (Ids{6, 7}));
}

TEST(HuggingfaceBpe, FlagsAndBytes) {
  const auto tokenizer = load_file("");
  EXPECT_EQ(tokenizer->size(), 13);
  EXPECT_EQ(tokenizer->token_flags(8), static_cast<uint32_t>(rustml::tokenizer::kSpecial));
  EXPECT_EQ(tokenizer->token_flags(9), static_cast<uint32_t>(rustml::tokenizer::kSpecial));
  EXPECT_EQ(tokenizer->token_flags(0), 0u);
  EXPECT_EQ(tokenizer->token_bytes(8), "<s>");
  const auto lower = load_file(R"("normalizer":{"type":"Lowercase"},)");
  EXPECT_EQ(lower->token_bytes(10), "<n>");
}

TEST(HuggingfaceBpe, FingerprintCoversWhatMatters) {
  const auto of = [](const std::string& parts, const std::string& merges = "") {
    const auto tokenizer = load_file(parts, merges);
    return std::pair(tokenizer->fingerprint_low(), tokenizer->fingerprint_high());
  };
  const auto base = of("", R"("a a","a b")");
  EXPECT_EQ(of("", R"("a a","a b")"), base);
  EXPECT_NE(of("", R"("a b","a a")"), base);
  EXPECT_NE(of(R"("normalizer":{"type":"NFC"},)", R"("a a","a b")"), base);
  EXPECT_NE(of(R"("decoder":{"type":"Fuse"},)", R"("a a","a b")"), base);
}

double seconds_to_encode(const Tokenizer& tokenizer, const std::string& unit, size_t n_bytes) {
  std::string text;
  while (text.size() < n_bytes) text += unit;
  rustml::runtime::StopSignal stop;
  const double begin = cpu_seconds();
  const Encoding encoding = tokenizer.encode(text, {.parse_special = true}, stop);
  const double taken = cpu_seconds() - begin;
  EXPECT_GT(encoding.ids.size() + encoding.dropped_bytes, 0u);
  return taken;
}

// On a thread with 256 KiB of stack. The square of a ten times longer text would take a hundred times as long.
TEST(HuggingfaceBpe, MegabytesOfOneThing) {
  const auto run = [](void*) -> void* {
    const std::string split =
        R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"[^\\s\\p{L}]+|\\p{L}+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},)";
    for (const std::string& parts : {std::string(), std::string(R"("normalizer":{"type":"NFKC"},)"), split}) {
      const auto tokenizer = load_file(parts, R"("a a","aa aa","a b")");
      for (const std::string unit : {"a", " ", "ab", "a ", "a\u0301\u0316", "<s>"}) {
        const double small = seconds_to_encode(*tokenizer, unit, kLongText / 100);
        const double whole = seconds_to_encode(*tokenizer, unit, kLongText / 10);
        EXPECT_LE(whole, 40.0 * small + 1.0) << parts << unit;
      }
    }
    EXPECT_LE(seconds_to_encode(*load_file("", R"("a a","aa aa","a b")"), "a", kLongText), 10.0);
    return nullptr;
  };
  pthread_attr_t small_stack;
  pthread_attr_init(&small_stack);
  ASSERT_EQ(pthread_attr_setstacksize(&small_stack, 256 * 1024), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &small_stack, run, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small_stack);
}

TEST(HuggingfaceBpe, FilesThatCostTooMuch) {
  const auto refused = [](const std::string& parts, const std::string& text, const char* why) {
    const auto tokenizer = load_file(parts);
    rustml::runtime::StopSignal stop;
    EXPECT_ERROR(tokenizer->encode(text, {}, stop), Status::resource_exhausted, why);
  };
  refused(R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"(a+)+b"}},)", std::string(40, 'a') + "!b", "(a+)+b");
  refused(R"("normalizer":{"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(1'000'000, 'b') + "\"},", "a",
          "normalizer");
  std::string doubling;
  for (int i = 0; i < 40; ++i) doubling += std::string(i == 0 ? "" : ",") + R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  refused(R"("normalizer":{"type":"Sequence","normalizers":[)" + doubling + "]},", "a", "normalizer");
  EXPECT_ERROR(load_file(R"("normalizer":{"type":"Sequence","normalizers":[)" + doubling + "," + doubling + "]},"),
               Status::resource_exhausted, "more than 64 steps");
  EXPECT_ERROR(load_file(R"("decoder":{"type":"Sequence","decoders":[)" + doubling + "]},"), Status::resource_exhausted, "the decoder");
  std::string spelling;
  for (int i = 0; i < 20; ++i) spelling += std::string(i == 0 ? "" : ",") + R"({"type":"ByteLevel","add_prefix_space":true})";
  refused(R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[)" + spelling + "]},", "a a", "pre-tokenizer");
}

TEST(HuggingfaceBpe, StopsOnRequest) {
  const auto tokenizer = load_file(R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"[b-d]+x"}},)", R"("a a")");
  for (const std::string& text : {std::string(20 << 20, 'a'), std::string(20 << 20, 'b')}) {
    rustml::runtime::StopSignal late(nullptr, rustml::runtime::now_ns() + 2'000'000);
    EXPECT_ERROR(tokenizer->encode(text, {}, late), Status::deadline_exceeded, "");
  }
}

}  // namespace
