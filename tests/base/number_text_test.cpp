#include "base/number_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace rustml::base {
namespace {

TEST(NumberText, ShortestIsThatOfRfc8785) {  // its appendix B
  const struct {
    uint64_t bits;
    const char* text;
  } cases[] = {{0x0000000000000000, "0"},
               {0x8000000000000000, "0"},
               {0x0000000000000001, "5e-324"},
               {0x8000000000000001, "-5e-324"},
               {0x7fefffffffffffff, "1.7976931348623157e+308"},
               {0xffefffffffffffff, "-1.7976931348623157e+308"},
               {0x4340000000000000, "9007199254740992"},
               {0xc340000000000000, "-9007199254740992"},
               {0x4430000000000000, "295147905179352830000"},
               {0x44b52d02c7e14af5, "9.999999999999997e+22"},
               {0x44b52d02c7e14af6, "1e+23"},
               {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
               {0x444b1ae4d6e2ef4e, "999999999999999700000"},
               {0x444b1ae4d6e2ef4f, "999999999999999900000"},
               {0x444b1ae4d6e2ef50, "1e+21"},
               {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
               {0x3eb0c6f7a0b5ed8d, "0.000001"},
               {0x41b3de4355555553, "333333333.3333332"},
               {0x41b3de4355555554, "333333333.33333325"},
               {0x41b3de4355555555, "333333333.3333333"},
               {0x41b3de4355555556, "333333333.3333334"},
               {0x41b3de4355555557, "333333333.33333343"},
               {0xbecbf647612f3696, "-0.0000033333333333333333"},
               {0x43143ff3c1cb0959, "1424953923781206.2"}};
  for (const auto& c : cases) EXPECT_EQ(base::shortest(std::bit_cast<double>(c.bits)), c.text);
  EXPECT_EQ(base::shortest(1e-7f), "1e-7");
  EXPECT_EQ(base::shortest(0.1f), "0.1");
  EXPECT_EQ(base::shortest(-1234.0625f), "-1234.0625");
  EXPECT_EQ(base::shortest(HUGE_VALF), "inf");
  EXPECT_EQ(base::shortest(-HUGE_VAL), "-inf");
  EXPECT_EQ(base::shortest(std::nan("")), "nan");
}

TEST(NumberText, ReadsBackInEveryBit) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    const auto small = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(number) || !std::isfinite(small)) continue;
    ASSERT_EQ(std::strtod(base::shortest(number).c_str(), nullptr), number);
    ASSERT_EQ(std::strtof(base::shortest(small).c_str(), nullptr), small);
  }
}

TEST(NumberText, FixedIsPrintfs) {  // this program sets no locale
  std::mt19937_64 random(5);
  for (int i = 0; i < 100'000; ++i) {
    const double number = std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 120) - 110) * (i % 2 == 0 ? 1 : -1);
    const int digits = i % 7;
    char text[128];
    std::snprintf(text, sizeof text, "%10.*f", digits, number);
    ASSERT_EQ(fixed(number, digits, 10), text);
  }
  EXPECT_EQ(fixed(1.7976931348623157e308, 3).size(), 313u);
}

}  // namespace
}  // namespace rustml::base
