#include "tokenizer/pretokenize_regex.h"

#include <pthread.h>

#include "../base/expect_error.h"
#include "cpu_time.h"

namespace {

using rustml::base::Status;
using rustml::tokenizer::Regex;
using Found = std::vector<std::pair<size_t, size_t>>;

Found all(const char* pattern, std::string_view text, Regex::Source source) {
  const Regex regex(pattern, source);
  Regex::Cursor cursor(regex);
  rustml::runtime::StopSignal stop;
  cursor.set_text(text);
  Found out;
  Regex::Match match;
  for (size_t from = 0; cursor.find(from, match, &stop); from = match.end) out.emplace_back(match.begin, match.end);
  return out;
}

// Matches that need more steps than a first try allows, behind places where none begins.
TEST(Regex, CountedFindsTheSame) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += i % 700 == 0 ? "aaaab\u4E2D" + std::string(200, 'c') + "!" : i % 3 ? "x" : "\u00E9";
  for (const char* pattern : {"a+b", "(?:a|b)+\\p{L}+?!", "c+(?=!)", "\u4E2Dc*", "(?:c|cc)+!", "no such"}) {
    const Found expected = all(pattern, text, Regex::Source::known);
    EXPECT_EQ(all(pattern, text, Regex::Source::file), expected) << pattern;
    EXPECT_EQ(all(pattern, text, Regex::Source::known_no_jit), expected) << pattern;
    EXPECT_EQ(expected.size(), pattern[0] == 'n' ? 0u : 5u) << pattern;
  }
}

TEST(Regex, CatastrophesEnd) {
  const double begin = fixtures::cpu_seconds();
  for (const char* pattern : {"(a+)+b", "(a|aa)+b", "(?:a*)*b", "(a?){30}a{30}b", "a*a*a*a*a*b"}) {
    EXPECT_ERROR(all(pattern, std::string(3000, 'a') + "!b", Regex::Source::file), Status::resource_exhausted, "takes too long");
  }
  // The square of a long text; possessive loops are not counted.
  for (const char* pattern : {"a+!", "a++!"}) {
    EXPECT_ERROR(all(pattern, std::string(1 << 18, 'a') + "x!", Regex::Source::file), Status::resource_exhausted, "takes too long");
  }
  EXPECT_LT(fixtures::cpu_seconds() - begin, 120.0);
}

TEST(Regex, RefusesWhatDoesNotCompile) {
  for (const char* pattern : {"(", ")", "*", "(?<=a+)b", "a{70000}"}) {
    SCOPED_TRACE(pattern);
    EXPECT_ERROR(Regex(pattern, Regex::Source::file), Status::unimplemented, "is not supported");
  }
  EXPECT_ERROR(Regex(std::string(20'000, 'a'), Regex::Source::file), Status::resource_exhausted, "limit 16384");
}

std::string nested(int depth) {
  std::string pattern;
  for (int i = 0; i < depth; ++i) pattern += "(?:";
  pattern += "a|bc";
  for (int i = 0; i < depth; ++i) pattern += ")+";
  return pattern;
}

// PCRE2 takes 147 kB of stack to compile 200 groups inside each other. The caller has 64.
TEST(Regex, DeepGroupsNeedNoDeepStack) {
  Found found[3];
  const auto work = [](void* to) -> void* {
    int depth[] = {4, 9, 200};
    for (int i = 0; i < 3; ++i) static_cast<Found*>(to)[i] = all(nested(depth[i]).c_str(), "xabcax", Regex::Source::file);
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 64 << 10), 0);
  ASSERT_EQ(pthread_create(&thread, &attributes, work, found), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  for (const Found& matches : found) EXPECT_EQ(matches, (Found{{1, 5}}));
  EXPECT_ERROR(Regex(nested(251), Regex::Source::file), Status::unimplemented, "is not supported");
}

}  // namespace
