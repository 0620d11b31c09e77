#include "base/ascii.h"

#include <gtest/gtest.h>

#include <cctype>

namespace rustml::base {
namespace {

TEST(Ascii, IsTheCLocales) {  // this program sets no locale
  for (int i = 0; i < 256; ++i) {
    const auto c = static_cast<char>(i);
    EXPECT_EQ(is_digit(c), std::isdigit(i) != 0) << i;
    EXPECT_EQ(is_letter(c), std::isalpha(i) != 0) << i;
    EXPECT_EQ(is_alphanumeric(c), std::isalnum(i) != 0) << i;
    EXPECT_EQ(is_blank(c), std::isspace(i) != 0) << i;
    EXPECT_EQ(lower_case({&c, 1}), std::string(1, static_cast<char>(std::tolower(i)))) << i;
    EXPECT_EQ(upper_case({&c, 1}), std::string(1, static_cast<char>(std::toupper(i)))) << i;
  }
}

}  // namespace
}  // namespace rustml::base
