#include "generation/stop.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "base/utf8.h"

namespace rustml::generation {
namespace {

struct Outcome {
  bool matched;
  std::string text;
  bool operator==(const Outcome&) const = default;
};

// By the definition: the match that ends first, the longest of those; what is before it.
Outcome naive(const std::vector<std::string>& stops, const std::string& text) {
  size_t best_end = std::string::npos, best_begin = 0;
  for (const std::string& stop : stops) {
    const size_t begin = text.find(stop);
    if (begin == std::string::npos) continue;
    const size_t end = begin + stop.size();
    if (end < best_end || (end == best_end && begin < best_begin)) best_end = end, best_begin = begin;
  }
  if (best_end == std::string::npos) return {false, text};
  return {true, text.substr(0, best_begin)};
}

Outcome chunked(const std::vector<std::string>& stops, const std::string& text, const std::vector<size_t>& sizes) {
  StopMatcher matcher(stops);
  std::string out;
  size_t at = 0;
  for (size_t i = 0; at < text.size(); ++i) {
    const size_t n = std::min(sizes.empty() ? size_t{1} : sizes[i % sizes.size()], text.size() - at);
    if (matcher.feed(std::string_view(text).substr(at, n), out)) break;
    at += n;
    std::string held;
    StopMatcher(matcher).flush(held);
    EXPECT_EQ(out.size() + held.size(), at);
    EXPECT_TRUE(std::string_view(text).substr(0, at).ends_with(held));
  }
  const bool matched = matcher.matched();
  matcher.flush(out);
  return {matched, out};
}

TEST(Stop, NoStopStringsDeliverAtOnce) {
  StopMatcher matcher({});
  std::string out;
  EXPECT_FALSE(matcher.feed("hello", out));
  EXPECT_EQ(out, "hello");
  matcher.flush(out);
  EXPECT_EQ(out, "hello");
}

TEST(Stop, HoldsBackOnlyWhatMayMatch) {
  const std::vector<std::string> stops = {"</s>", "stop"};
  StopMatcher matcher(stops);
  std::string out;
  EXPECT_FALSE(matcher.feed("a <", out));
  EXPECT_EQ(out, "a ");
  EXPECT_FALSE(matcher.feed("/x st", out));
  EXPECT_EQ(out, "a </x ");
  EXPECT_TRUE(matcher.feed("op it", out));
  EXPECT_EQ(out, "a </x ");
  EXPECT_TRUE(matcher.matched());
  EXPECT_TRUE(matcher.feed("more", out));
  matcher.flush(out);
  EXPECT_EQ(out, "a </x ");
}

TEST(Stop, FlushDeliversWhatNeverMatched) {
  const std::vector<std::string> stops = {"END"};
  StopMatcher matcher(stops);
  std::string out;
  EXPECT_FALSE(matcher.feed("the EN", out));
  matcher.flush(out);
  EXPECT_EQ(out, "the EN");
}

TEST(Stop, FirstEndWinsThenTheLongest) {
  EXPECT_EQ(chunked({"abcd", "bc"}, "xabcd", {}), (Outcome{true, "xa"}));  // bc ends first
  EXPECT_EQ(chunked({"c", "bc", "abc"}, "xabc", {}), (Outcome{true, "x"}));
  EXPECT_EQ(chunked({"bc", "bc"}, "abc", {}), (Outcome{true, "a"}));
}

TEST(Stop, EmojiIsNeverCut) {
  const std::vector<std::string> stops = {"\xF0\x9F\x98\x80!", "\xF0\x9F\x98\x81"};
  StopMatcher matcher(stops);
  std::string out;
  EXPECT_FALSE(matcher.feed("a\xF0\x9F\x98\x80", out));
  EXPECT_EQ(out, "a");
  EXPECT_FALSE(matcher.feed("\xF0\x9F\x98\x82", out));
  EXPECT_EQ(out, "a\xF0\x9F\x98\x80\xF0\x9F\x98\x82");
}

TEST(Stop, SameAsNaiveSearchForAnyChunks) {
  EXPECT_TRUE(rc::check("two letters: many overlaps", [] {
    const auto letters = rc::gen::container<std::string>(rc::gen::element('a', 'b'));
    const auto stops = *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(letters));
    const auto text = *letters;
    const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 8));
    RC_ASSERT(chunked(stops, text, sizes) == naive(stops, text));
  }));
  EXPECT_TRUE(rc::check("periodic: long held texts", [] {
    const auto period = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c')));
    const auto repeated = [&](size_t n) {
      std::string s;
      for (size_t i = 0; i < n; ++i) s += period;
      return s;
    };
    const std::vector<std::string> stops = {repeated(*rc::gen::inRange<size_t>(1, 30)) + "x", repeated(20) + "a"};
    const std::string text = repeated(*rc::gen::inRange<size_t>(0, 60)) + "xa";
    const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 40));
    RC_ASSERT(chunked(stops, text, sizes) == naive(stops, text));
  }));
}

TEST(Stop, WholeCharactersInWholeCharactersOut) {
  EXPECT_TRUE(rc::check([] {
    const auto characters = rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("a", "\xC3\xA9", "\xC3\xA8", "\xE4\xBD\xA0", "\xE4\xBD\xA1", "\xF0\x9F\x98\x80"));
    std::vector<std::string> stops;
    for (int i = 0; i < 3; ++i) {
      std::string stop;
      for (const auto& c : *rc::gen::nonEmpty(characters)) stop += c;
      stops.push_back(stop);
    }
    StopMatcher matcher(stops);
    for (const auto& c : *characters) {
      std::string out;
      matcher.feed(c, out);
      RC_ASSERT(base::utf8_error(out) == base::kValidUtf8);
    }
  }));
}

TEST(Stop, ThousandsOfLongStrings) {
  std::vector<std::string> stops;
  for (int i = 0; i < 1024; ++i) stops.push_back(std::string(1000, 'a') + "\n" + std::to_string(i));
  const std::string text(1 << 20, 'a');  // every byte of it may begin each of them
  EXPECT_EQ(chunked(stops, text, {4}), (Outcome{false, text}));
  EXPECT_EQ(chunked(stops, text + "\n777", {1000}), (Outcome{true, text.substr(1000)}));  // "\n7" is complete first
}

}  // namespace
}  // namespace rustml::generation
