// Words against PyPI `tokenizers` (make_splits.py), with PCRE2's compiler and with its interpreter.
#include "tokenizer/pretokenize.h"

#include <sstream>

#include "fixtures.h"

namespace {

using namespace rustml::tokenizer;

std::vector<size_t> words(const PreTokenizer& splitter, std::string_view text) {
  std::vector<size_t> lengths;
  if (text.empty()) return lengths;
  PreTokenizer::Cursor cursor(splitter, text);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = cursor.end_of_word(begin);
    lengths.push_back(end - begin);
    begin = end;
  }
  return lengths;
}

void compare_with_reference(bool jit) {
  const PreTokenizer gpt2(Pattern::gpt2, jit), llama3(Pattern::llama3, jit), qwen2(Pattern::qwen2, jit);
  fixtures::Data data("splits.bin");
  size_t n = 0;
  for (; data.more(); ++n) {
    const std::string_view text = data.text();
    for (const PreTokenizer* splitter : {&gpt2, &llama3, &qwen2}) {
      std::vector<size_t> expected(data.varint());
      for (size_t& length : expected) length = data.varint();
      ASSERT_EQ(words(*splitter, text), expected) << "string " << n << ", pattern "
                                                  << (splitter == &gpt2     ? 0
                                                      : splitter == &llama3 ? 1
                                                                            : 2)
                                                  << ": " << text;
    }
  }
  EXPECT_EQ(n, 6000u);
}

TEST(PreTokenizer, CutsAsTokenizersDoes) { compare_with_reference(true); }
TEST(PreTokenizer, InterpreterCutsTheSame) { compare_with_reference(false); }

// Which class each code point belongs to shows in where it is cut, so every one is tried; in the sample those beside another class and
// one in 16 of the others.
TEST(PreTokenizer, ClassOfEveryCodePoint) {
  enum : unsigned char { kLetter = 1, kNumber = 2, kBlank = 4, kDigit = 8 };
  std::vector<unsigned char> classes(0x110000);
  const fixtures::Data data("classes.txt");
  std::istringstream lines(data.all());
  for (std::string line; std::getline(lines, line);) {
    std::istringstream parts(line);
    std::string name;
    parts >> name;
    const unsigned char bit = name == "letter" ? kLetter : name == "number" ? kNumber : name == "blank" ? kBlank : kDigit;
    unsigned long first, last;
    for (char dash; parts >> std::hex >> first >> dash >> last;) {
      for (; first <= last; ++first) classes[first] |= bit;
    }
  }
  const PreTokenizer gpt2(Pattern::gpt2), smollm(Pattern::smollm);
  for (uint32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const bool between = c + 1 < 0x110000 && classes[c - 1] == classes[c] && classes[c + 1] == classes[c];
    if (between && c % 16 != 0 && !rustml::test::exhaustive()) continue;
    std::string text;
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else if (c < 0x800) {
      text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    } else if (c < 0x10000) {
      text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    } else {
      text += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)), static_cast<char>(0x80 | (c >> 6 & 63)),
               static_cast<char>(0x80 | (c & 63))};
    }
    const size_t n = text.size();
    // A word goes on as long as the class stays: letter, number, blank (the last of several stays behind) or other.
    const unsigned char expected = classes[c] & ~kDigit;
    const auto joins = [&](const PreTokenizer& words_of, const std::string& before) {
      return words(words_of, before + text).front() == 1 + n;
    };
    const unsigned char got = joins(gpt2, "a") ? kLetter : joins(gpt2, "1") ? kNumber : joins(gpt2, "\t") ? kBlank : 0;
    ASSERT_EQ(got, expected) << std::hex << c;
    // smollm: a digit is a word of its own, even among its like.
    const bool digit =
        words(smollm, text + text).size() == 2 && words(smollm, "!" + text).size() == 2 && words(smollm, "  " + text).front() == 2;
    ASSERT_EQ(digit, (classes[c] & kDigit) != 0) << std::hex << c;
  }
}

TEST(PreTokenizer, DigitsEndAPieceForBlanksBeforeThem) {
  const PreTokenizer smollm(Pattern::smollm);
  EXPECT_EQ(words(smollm, "a  1"), (std::vector<size_t>{1, 2, 1}));  // not " " " 1": the digit is cut out first
  EXPECT_EQ(words(smollm, "a  b"), (std::vector<size_t>{1, 1, 2}));
  EXPECT_EQ(words(smollm, " 12"), (std::vector<size_t>{1, 1, 1}));
}

TEST(PreTokenizer, RuleOfAName) {
  EXPECT_EQ(pre_tokenizer_rule("gpt-2").pattern, Pattern::gpt2);
  EXPECT_EQ(pre_tokenizer_rule("smollm").pattern, Pattern::smollm);
  EXPECT_EQ(pre_tokenizer_rule("starcoder").pattern, Pattern::smollm);
  EXPECT_EQ(pre_tokenizer_rule("deepseek-r1-qwen").pattern, Pattern::qwen2);
  const PreTokenizerRule llama = pre_tokenizer_rule("llama-bpe");
  EXPECT_TRUE(llama.known && llama.ignore_merges && llama.adds_bos);
  EXPECT_EQ(llama.pattern, Pattern::llama3);
  EXPECT_FALSE(pre_tokenizer_rule("smaug-bpe").ignore_merges);
  EXPECT_FALSE(pre_tokenizer_rule("default").known);
  EXPECT_FALSE(pre_tokenizer_rule("").known);
}

}  // namespace
