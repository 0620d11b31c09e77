#include "tokenizer/stream_decoder.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

#include "base/utf8.h"
#include "fixtures.h"

namespace {

using rustml::tokenizer::StreamDecoder;

struct Decoded {
  std::string text;
  uint64_t invalid;
};

Decoded decode(const std::vector<std::string>& parts) {
  StreamDecoder decoder;
  std::string text;
  for (const std::string& part : parts) decoder.push(part, text);
  decoder.finish(text);
  return {text, decoder.invalid_count()};
}

TEST(StreamDecoder, EverySplitOfCombinedCharacters) {
  const std::string text = "a\u00E9e\u0301\u4E2D\U0001F468\u200D\U0001F469\u200D\U0001F467\U0001F1EB\U0001F1F7\U0010FFFF\u2764\uFE0F!";
  for (size_t i = 0; i <= text.size(); ++i) {
    for (size_t k = i; k <= text.size(); ++k) {
      StreamDecoder decoder;
      std::string out;
      for (const std::string_view part :
           {std::string_view(text).substr(0, i), std::string_view(text).substr(i, k - i), std::string_view(text).substr(k)}) {
        decoder.push(part, out);
        ASSERT_EQ(rustml::base::utf8_error(out), rustml::base::kValidUtf8) << "a character was shown in part";
      }
      decoder.finish(out);
      ASSERT_EQ(out, text);
      ASSERT_EQ(decoder.invalid_count(), 0u);
    }
  }
}

// data/invalid_utf8.bin: byte strings and what Python's bytes.decode("utf-8", "replace") makes of them (make_invalid_utf8.py).
TEST(StreamDecoder, InvalidBytesAsPython) {
  fixtures::Data data("invalid_utf8.bin");
  size_t n = 0;
  for (; data.more(); ++n) {
    const std::string bytes(data.text()), expected(data.text());
    const uint64_t invalid = data.varint();
    std::vector<std::string> single;
    for (const char c : bytes) single.emplace_back(1, c);
    for (const Decoded& got : {decode({bytes}), decode(single)}) {
      ASSERT_EQ(got.text, expected) << "string " << n;
      ASSERT_EQ(got.invalid, invalid) << "string " << n;
    }
  }
  EXPECT_GT(n, 6000u);
}

RC_GTEST_PROP(StreamDecoder, SplitsDoNotMatter, (const std::vector<std::string>& parts)) {
  std::string whole;
  for (const std::string& part : parts) whole += part;
  const Decoded a = decode(parts), b = decode({whole});
  RC_ASSERT(a.text == b.text);
  RC_ASSERT(a.invalid == b.invalid);
  RC_ASSERT(rustml::base::utf8_error(a.text) == rustml::base::kValidUtf8);
  if (rustml::base::utf8_error(whole) == rustml::base::kValidUtf8) {
    RC_ASSERT(a.text == whole);
    RC_ASSERT(a.invalid == 0u);
  }
}

}  // namespace
