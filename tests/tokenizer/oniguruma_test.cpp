// What is refused, and how the rest is spelled; that it matches the same is tested with the words it cuts.
#include "tokenizer/oniguruma.h"

#include "../base/expect_error.h"

namespace {

using rustml::base::Status;
using rustml::tokenizer::pcre2_pattern;

TEST(Oniguruma, KeepsWhatMeansTheSame) {
  for (const char* same : {"", "a|b", "(?:ab)+?", "(?=a)(?!b)(?<=c)(?<!d)(?>e)", "(?i:ab)*", "a++b*+c?+", "^a$", "a{2}b{3,}c{4,5}d{6,7}?",
                           "\\A\\z\\Z", "[^a-z]", "(?i)ab"}) {
    EXPECT_EQ(pcre2_pattern(same), same);
  }
  EXPECT_EQ(pcre2_pattern("(a)"), "(?:a)");
  EXPECT_EQ(pcre2_pattern("a{,3}"), "a{0,3}");
  EXPECT_EQ(pcre2_pattern("a{x}"), "a\\{x\\x{7d}");
  EXPECT_EQ(pcre2_pattern("\\h"), "[0-9a-fA-F]");
  EXPECT_EQ(pcre2_pattern("[\\]a\\-z-]"), "[\\x{5d}a\\x{2d}z\\x{2d}]");
  EXPECT_EQ(pcre2_pattern("\\x41\\u4e2d\\x{1F600}\u4E2D"), "A\\x{4e2d}\\x{1f600}\\x{4e2d}");
}

TEST(Oniguruma, RefusesByPattern) {
  for (const char* pattern :
       {"(?<name>a)", "(?m:a)", "(?#a)",       "a(?i)b",    "(?~a)",      "\\1",     "\\0",   "\\k<a>", "\\G",         "\\K",
        "\\R",        "\\X",    "\\Q",         "\\p{Han}",  "\\p{Greek}", "\\p{Cn}", "\\pL",  "\\p{L",  "[[:alpha:]]", "[a[bc]]",
        "[a&&b]",     "[]a]",   "[^]a]",       "[a",        "[a\\P{L}]",  "[a-\\d]", "[z-a]", "[a-",    "a{2}+",       "a{2,3}+",
        "a{2}?",      "\\",     "\\x{110000}", "\\x{d800}", "\\xE9",      "\\x{41",  "\\u12", "\\y"}) {
    SCOPED_TRACE(pattern);
    EXPECT_ERROR(pcre2_pattern(pattern), Status::unimplemented, "tokenizer.json: the pattern");
  }
}

}  // namespace
