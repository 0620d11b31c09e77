// Words against PyPI `tokenizers` (make_splits.py), with PCRE2's compiler and with its interpreter.
#include "tokenizer/pretokenize.h"

#include <algorithm>
#include <sstream>

#include "fixtures.h"
#include "tokenizer/pretokenize_steps.h"

namespace {

using namespace rustml::tokenizer;

// Lengths of words in bytes.
std::vector<size_t> words(const PretokenizeSteps& steps, std::string_view text) {
  rustml::runtime::StopSignal stop;
  PreTokens tokens;
  tokens.set_text(text, true);
  steps.apply(tokens, stop);
  std::vector<size_t> lengths;
  for (const PreTokens::Range range : tokens.ranges) {
    const std::string_view word = tokens.of(range);
    lengths.push_back(
        static_cast<size_t>(std::count_if(word.begin(), word.end(), [&](char c) { return !steps.spells_bytes() || (c & 0xC0) != 0x80; })));
  }
  return lengths;
}

PretokenizeSteps steps_of(std::string_view name, bool jit = true) { return PretokenizeSteps(find_pre_tokenizer(name)->splits, jit); }

void compare_with_reference(bool jit) {
  const PretokenizeSteps gpt2 = steps_of("gpt-2", jit), llama3 = steps_of("llama-bpe", jit), qwen2 = steps_of("qwen2", jit);
  fixtures::Data data("splits.bin");
  size_t n = 0;
  for (; data.more(); ++n) {
    const std::string_view text = data.text();
    for (const PretokenizeSteps* splitter : {&gpt2, &llama3, &qwen2}) {
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

// Every rule that names of tokenizer.ggml.pre stand for, on strings of all scripts; reference: PyPI `tokenizers` (make_pre_tokenizers.py).
TEST(PreTokenizer, EveryRuleCutsAsTokenizersDoes) {
  fixtures::Data data("pre_tokenizers.bin");
  std::vector<std::string> names(data.varint());
  std::vector<PretokenizeSteps> rules;
  for (std::string& name : names) {
    name = data.text();
    ASSERT_NE(find_pre_tokenizer(name), nullptr) << name;
    rules.push_back(steps_of(name));
  }
  size_t n = 0;
  for (; data.more(); ++n) {
    const std::string_view text = data.text();
    for (size_t i = 0; i < rules.size(); ++i) {
      std::vector<size_t> expected(data.varint());
      for (size_t& length : expected) length = data.varint();
      EXPECT_EQ(words(rules[i], text), expected) << names[i] << ", string " << n << ": " << text;
    }
  }
  EXPECT_EQ(n, 241u);
}

// A text of one thing over and over takes time in proportion to it: no rule looks at the same text again and again.
TEST(PreTokenizer, EveryRuleIsLinear) {
  fixtures::Data data("pre_tokenizers.bin");
  const size_t n_rules = data.varint();
  for (size_t rule = 0; rule < n_rules; ++rule) {
    const std::string name(data.text());
    const PretokenizeSteps steps = steps_of(name);
    for (const std::string unit : {" ", "a", "A", "\n", "1", "a b ", "\u4E2D", "e\u0301", "!", " \U0001F600"}) {
      std::string text = "x";
      while (text.size() < (1 << 16)) text += unit;
      text += "\u4E2D";                                            // behind blanks: not the end
      if (unit == "1" && name == "tiny_aya") text.resize(1 << 9);  // its steps are counted
      const double begin = fixtures::cpu_seconds();
      words(steps, text);
      EXPECT_LE(fixtures::cpu_seconds() - begin, 1.0) << name << ", " << unit;
    }
  }
}

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
  const PretokenizeSteps gpt2 = steps_of("gpt-2"), smollm = steps_of("smollm");
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
    const auto joins = [&](const PretokenizeSteps& words_of, const std::string& before) {
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
  const PretokenizeSteps smollm = steps_of("smollm");
  EXPECT_EQ(words(smollm, "a  1"), (std::vector<size_t>{1, 2, 1}));  // not " " " 1": the digit is cut out first
  EXPECT_EQ(words(smollm, "a  b"), (std::vector<size_t>{1, 1, 2}));
  EXPECT_EQ(words(smollm, " 12"), (std::vector<size_t>{1, 1, 1}));
}

TEST(PreTokenizer, RuleOfAName) {
  const PreTokenizerRule llama = *find_pre_tokenizer("llama-bpe"), tekken = *find_pre_tokenizer("tekken");
  EXPECT_TRUE(llama.ignore_merges && llama.adds_bos && tekken.ignore_merges && tekken.adds_bos);
  EXPECT_FALSE(find_pre_tokenizer("smaug-bpe")->ignore_merges);
  EXPECT_FALSE(find_pre_tokenizer("qwen2")->adds_bos);
  EXPECT_EQ(find_pre_tokenizer("qwen2")->normalizer, "NFC");
  EXPECT_EQ(find_pre_tokenizer("starcoder"), find_pre_tokenizer("smollm"));
  for (const char* name : {"", " ", "gpt", "gpt-2 ", "qwen2 deepseek-r1-qwen", "made-up"})
    EXPECT_EQ(find_pre_tokenizer(name), nullptr) << name;
}

}  // namespace
