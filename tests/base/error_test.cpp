#include "base/error.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "expect_error.h"

namespace rustml::base {
namespace {

TEST(Error, CarriesItsParts) {
  try {
    fail(Status::out_of_range, "prompt has 9 tokens; at most 8", "{\"got\":9}");
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::out_of_range);
    EXPECT_EQ(error.message(), "prompt has 9 tokens; at most 8");
    EXPECT_STREQ(error.what(), "prompt has 9 tokens; at most 8");
    EXPECT_EQ(error.detail_json(), "{\"got\":9}");
    EXPECT_EQ(error.callback_value(), 0);
  }
  EXPECT_EQ(Error(Status::callback_stop, "x", {}, -7).callback_value(), -7);
}

TEST(Quoted, EscapesWhatATerminalMustNotSee) {
  EXPECT_EQ(base::quoted("plain"), "\"plain\"");
  EXPECT_EQ(base::quoted(""), "\"\"");
  EXPECT_EQ(base::quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(base::quoted(std::string_view("\0\x1b[31m\x7f\n", 8)), "\"\\x00\\x1b[31m\\x7f\\x0a\"");
  EXPECT_EQ(base::quoted("\xC3\xA9 \xF0\x9F\x98\x80"), "\"\xC3\xA9 \xF0\x9F\x98\x80\"");
  EXPECT_EQ(base::quoted("\xC3"), "\"\\xc3\"");
  EXPECT_EQ(base::quoted("\xED\xA0\x80"), "\"\\xed\\xa0\\x80\"");
}

TEST(Quoted, CutsLongTextAtACharacter) {
  const std::string text(79, 'x');
  EXPECT_EQ(base::quoted(text + "y"), "\"" + text + "y\"");
  EXPECT_EQ(base::quoted(text + "\xC3\xA9zzz"), "\"" + text + "\xC3\xA9\"...");
  EXPECT_EQ(utf8_error(base::quoted(std::string(1000, '\xC3'))), kValidUtf8);
}

}  // namespace
}  // namespace rustml::base
