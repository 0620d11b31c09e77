#include "cli/word_wrap.h"

#include <gtest/gtest.h>

#include <random>

namespace rustml::cli {
namespace {

std::string wrapped(std::string_view text, size_t columns) {
  WordWrap wrap(columns);
  std::string out = wrap.add(text);
  return out + wrap.end();
}

TEST(WordWrap, LinesBreakBetweenWords) {
  EXPECT_EQ(wrapped("the quick brown fox jumps", 10), "the quick\nbrown fox\njumps");
  EXPECT_EQ(wrapped("exactly 10", 10), "exactly 10");
  EXPECT_EQ(wrapped("exactly ten", 10), "exactly\nten");
  EXPECT_EQ(wrapped("a  b   cccccc", 10), "a  b\ncccccc") << "blanks inside a line stay, those where it breaks go";
  EXPECT_EQ(wrapped("", 10), "");
}

TEST(WordWrap, OwnLineBreaksAndIndentsStay) {
  EXPECT_EQ(wrapped("one\n\n  two three four\n", 10), "one\n\n  two\nthree four\n");
  EXPECT_EQ(wrapped("a line \nb", 10), "a line\nb");
}

TEST(WordWrap, AWordLongerThanALineIsCut) {
  EXPECT_EQ(wrapped("abcdefghijklm", 5), "abcde\nfghij\nklm");
  EXPECT_EQ(wrapped("x abcdefghijklm y", 5), "x\nabcde\nfghij\nklm y");
}

TEST(WordWrap, WidthsAreThoseOfTheTerminal) {
  EXPECT_EQ(wrapped("gr\u00FC\u00DFe und caf\u00E9s", 9), "gr\u00FC\u00DFe und\ncaf\u00E9s");
  EXPECT_EQ(wrapped("cafe\u0301 au lait", 7), "cafe\u0301 au\nlait") << "a combining accent takes no column";
  EXPECT_EQ(wrapped("\u4E2D\u6587\u5B57\u7B26\u5BBD\u5EA6", 7), "\u4E2D\u6587\u5B57\n\u7B26\u5BBD\u5EA6") << "no blanks: breaks anywhere";
  EXPECT_EQ(wrapped("\u4E2D\u6587\u3002\u5B57", 4), "\u4E2D\n\u6587\u3002\n\u5B57") << "a full stop begins no line";
  EXPECT_EQ(wrapped("ab \U0001F600\U0001F600 cd", 7), "ab \U0001F600\U0001F600\ncd");
  EXPECT_EQ(character_columns(U'a'), 1);
  EXPECT_EQ(character_columns(U'\u200B'), 0);
  EXPECT_EQ(character_columns(U'\uAC00'), 2);
  EXPECT_EQ(character_columns(U'\uFF21'), 2);
}

TEST(WordWrap, PiecesGiveWhatTheWholeGives) {
  const std::vector<std::string> alphabet = {"a",  "bcd",    "efghijkl", " ",      " ",       "  ",
                                             "\n", "\u00E9", "\u4E2D",   "\u3002", "e\u0301", "\U0001F600"};
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text, out;
    const size_t columns = 2 + random() % 12;
    WordWrap wrap(columns);
    for (unsigned i = 0; i < random() % 60; ++i) {
      const std::string& piece = alphabet[random() % alphabet.size()];
      text += piece;
      out += wrap.add(piece);
    }
    ASSERT_EQ(out + wrap.end(), wrapped(text, columns)) << text;
  }
}

TEST(WordWrap, AWordIsShownOnceItsEndIsKnown) {
  WordWrap wrap(10);
  EXPECT_EQ(wrap.add("Hel"), "");
  EXPECT_EQ(wrap.add("lo"), "");
  EXPECT_EQ(wrap.add(" wor"), "Hello");
  EXPECT_EQ(wrap.add("ld."), "");
  EXPECT_EQ(wrap.end(), "\nworld.");
}

}  // namespace
}  // namespace rustml::cli
