#include "base/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace rustml::base {
namespace {

std::string encode(uint32_t code, int length) {  // also overlong forms
  if (length == 1) return {static_cast<char>(code)};
  std::string out(static_cast<size_t>(length), '\0');
  for (int i = length - 1; i > 0; --i, code >>= 6) out[static_cast<size_t>(i)] = static_cast<char>(0x80 | (code & 0x3F));
  static constexpr int kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  out[0] = static_cast<char>(kLead[length] | static_cast<int>(code));
  return out;
}

int shortest(uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

TEST(Utf8, EveryCodePointInEveryLength) {
  for (uint32_t code = 0; code < 0x200000; ++code) {
    for (int length = shortest(code); length <= 4; ++length) {
      const std::string text = encode(code, length);
      const bool good = length == shortest(code) && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
      ASSERT_EQ(utf8_error(text) == kValidUtf8, good) << std::hex << code << " in " << length << " bytes";
      if (good) {
        ASSERT_EQ(utf8_length(static_cast<unsigned char>(text[0])), length);
        ASSERT_EQ(utf8_error(text.substr(0, text.size() - 1)), length == 1 ? kValidUtf8 : 0);
      }
    }
  }
}

TEST(Utf8, LeadBytesThatBeginNothing) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool never = (byte >= 0x80 && byte < 0xC2) || byte > 0xF4;
    EXPECT_EQ(utf8_length(static_cast<unsigned char>(byte)) == 0, never) << byte;
  }
}

TEST(Utf8, OffsetOfTheFirstFault) {
  for (size_t before = 0; before < 40; ++before) {
    for (const std::string_view fault : {"\x80", "\xC3(", "\xE2\x82", "\xF0\x9F\x98", "\xFF", "\xED\xA0\x80"}) {
      std::string text;
      while (text.size() < before) text += before - text.size() >= 2 && text.size() % 3 == 0 ? "\xC3\xA9" : "a";
      EXPECT_EQ(utf8_error(text + std::string(fault)), before);
      EXPECT_EQ(utf8_error(text + std::string(fault) + "tail of ASCII bytes"), before);
    }
  }
}

TEST(Utf8, AnyStartOfAnAlignedRun) {  // the eight-byte step must not miss a fault in any lane
  std::string text(64, 'a');
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = '\xC0';
    EXPECT_EQ(utf8_error(text), i);
    text[i] = 'a';
  }
  EXPECT_EQ(utf8_error(text), kValidUtf8);
  EXPECT_EQ(utf8_error(""), kValidUtf8);
}

}  // namespace
}  // namespace rustml::base
