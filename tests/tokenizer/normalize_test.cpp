// Every code point against PyPI `tokenizers` (make_normalize.py), and its neighbours' order; growth and speed.
#include "tokenizer/normalize.h"

#include "../base/expect_error.h"
#include "fixtures.h"
#include "tokenizer/code_points.h"

namespace {

using rustml::base::Status;
using rustml::tokenizer::Normalizer;

Normalizer make(const std::string& json) { return Normalizer(rustml::base::parse_json(json, "x")); }

std::string apply(const Normalizer& normalizer, std::string text) {
  rustml::runtime::StopSignal stop;
  normalizer.apply(text, stop);
  return text;
}

// One hash for each kind and what stands around the code point.
TEST(Normalizer, EveryCodePointAsTokenizers) {
  fixtures::Data data("normalize.bin");
  for (const char* kind : {"NFC", "NFD", "NFKC", "NFKD", "Lowercase"}) {
    const Normalizer normalizer = make(std::string(R"({"type":")") + kind + "\"}");
    for (const char* frame : {"", "a\u0301", "\u0345"}) {  // put around: nothing, before it, behind it
      const bool behind = frame[0] == '\xCD';
      const uint64_t expected = [&] {
        uint64_t n = 0;
        for (int i = 0; i < 8; ++i) n |= uint64_t{static_cast<unsigned char>(data.take(1)[0])} << 8 * i;
        return n;
      }();
      std::string text;
      for (uint32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        if (!behind) text += frame;
        rustml::tokenizer::append_utf8(text, c);
        if (behind) text += frame;
        text += '\n';
      }
      uint64_t hash = 0xCBF29CE484222325u;
      for (const char byte : apply(normalizer, text)) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
      EXPECT_EQ(hash, expected) << kind << " with " << frame;
    }
  }
}

TEST(Normalizer, StepsInOrder) {
  const Normalizer llama = make(
      R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"_"},{"type":"Replace","pattern":{"String":" "},"content":"_"}]})");
  EXPECT_EQ(apply(llama, "a b"), "_a_b");
  EXPECT_EQ(apply(llama, ""), "");
  const Normalizer strip = make(R"({"type":"Strip","strip_left":true,"strip_right":true})");
  EXPECT_EQ(apply(strip, "\u3000 a b\u00A0\n"), "a b");
  EXPECT_EQ(apply(strip, " \u2028"), "");
  EXPECT_TRUE(Normalizer().empty());
}

// Long runs of marks, alternating so that every one must move; chunks that end between characters that compose.
TEST(Normalizer, LongTextsAsShortOnes) {
  const Normalizer nfc = make(R"({"type":"NFC"})"), nfd = make(R"({"type":"NFD"})");
  std::string marks = "a";
  for (int i = 0; i < 200'000; ++i) marks += i % 2 ? "\u0316" : "\u0301";
  const double begin = fixtures::cpu_seconds();
  const std::string sorted = apply(nfd, marks);
  EXPECT_LT(fixtures::cpu_seconds() - begin, 10.0);
  EXPECT_EQ(sorted.substr(0, 3), "a\u0316");
  EXPECT_EQ(sorted.substr(sorted.size() - 2), "\u0301");
  for (const std::string unit : {"e\u0301", "\u1112\u1161\u11AB", "\u30AB\u3099", "\u09C7\u09BE", "\u1F71\u0345"}) {
    const std::string once = apply(nfc, unit);
    std::string text, expected;
    for (int i = 0; i < 20'000; ++i) text += unit, expected += once;
    EXPECT_EQ(apply(nfc, text), expected) << unit;
  }
}

TEST(Normalizer, GrowthHasALimit) {
  const Normalizer grows = make(R"({"type":"Replace","pattern":{"Regex":"."},"content":")" + std::string(1000, 'x') + "\"}");
  EXPECT_EQ(apply(grows, "ab").size(), 2000u);
  EXPECT_ERROR(apply(grows, std::string(1000, 'a')), Status::resource_exhausted, "longer than 81536 bytes");
  EXPECT_EQ(apply(make(R"({"type":"NFKC"})"), "\uFDFA").size(), 33u);  // the most that Unicode makes of one character
}

}  // namespace
