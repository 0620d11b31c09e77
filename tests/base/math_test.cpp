#include "base/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "../exhaustive.h"
#include "math_bits.h"

namespace rustml::base {
namespace {

// Of `value`, which is high + low with |low| at most half of it.
double unit_in_last_place(double high) { return std::nextafter(std::fabs(high), INFINITY) - std::fabs(high); }

TEST(Math, IsTheTrueValueOfMpmath) {
  std::ifstream file(RUSTML_TEST_DATA "/math_reference.txt");
  int n = 0, n_floats_off = 0;
  for (std::string line; std::getline(file, line); ++n) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    double v[4];
    for (int i = 0; i < (name == "power" ? 4 : 3); ++i) {
      std::string word;
      words >> word;
      v[i] = std::strtod(word.c_str(), nullptr);
    }
    const bool circle = name == "sine" || name == "cosine";
    const double got = name == "sine"     ? sine_cosine(v[0]).sine
                       : name == "cosine" ? sine_cosine(v[0]).cosine
                       : name == "log"    ? natural_log(v[0])
                                          : power(v[0], v[1]);
    const double high = v[name == "power" ? 2 : 1], low = v[name == "power" ? 3 : 2];
    EXPECT_LE(std::fabs((got - high) - low) / unit_in_last_place(high), circle ? 0.9 : 0.5001) << line << ": " << got;
    if (circle) n_floats_off += static_cast<float>(got) != static_cast<float>(high) ? 1 : 0;
  }
  EXPECT_GT(n, 2500);
  EXPECT_EQ(n_floats_off, 0);
}

TEST(Math, IsNearTheSystems) {  // over ranges that models use: at most a unit away, and the same floats
  std::mt19937_64 random(7);
  const auto between = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
  const auto units = [](double got, double wanted) { return std::fabs(got - wanted) / unit_in_last_place(wanted); };
  double most = 0;
  int n_floats_off = 0;
  const auto compare = [&](double got, double wanted) {
    most = std::max(most, units(got, wanted));
    n_floats_off += static_cast<float>(got) != static_cast<float>(wanted) ? 1 : 0;
  };
  for (int i = 0; i < 500'000; ++i) {
    const double angle = std::exp(between(-10, 18));
    compare(sine_cosine(angle).sine, std::sin(angle));
    compare(sine_cosine(-angle).cosine, std::cos(angle));
    if (i % 4 != 0) continue;
    const double sum = between(1, 300'000), length = std::floor(sum), penalty = between(-10, 10);
    compare(natural_log(sum), std::log(sum));
    compare(natural_log(1 / sum), std::log(1 / sum));
    if (std::fabs(std::log(length) * penalty) < 80) compare(power(length, penalty), std::pow(length, penalty));
    compare(power(between(1, 1e7), 0), 1);
  }
  EXPECT_LE(most, 1);
  EXPECT_EQ(n_floats_off, 0);
}

TEST(Math, FusedMultiplyAddIsRoundedOnce) {
  std::mt19937_64 random(9);
  for (uint64_t i = 0; i < rustml::test::times(2'000'000); ++i) {
    const auto any = [&] { return std::bit_cast<float>(static_cast<uint32_t>(random())); };
    const auto near_one = [&] { return std::bit_cast<float>((static_cast<uint32_t>(random()) & 0x83FFFFFF) | 0x3C000000); };
    const float x = i % 2 == 0 ? any() : near_one(), y = i % 2 == 0 ? any() : near_one();
    const float z = i % 3 == 0 ? -x * y : i % 3 == 1 ? any() : near_one();
    const float got = fused_multiply_add(x, y, z), wanted = std::fma(x, y, z);
    if (std::isnan(wanted) && std::isnan(got)) continue;
    ASSERT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(wanted)) << x << " * " << y << " + " << z;
  }
}

TEST(Math, EndsOfTheRanges) {
  EXPECT_EQ(natural_log(0), -INFINITY);
  EXPECT_EQ(natural_log(1), 0);
  EXPECT_EQ(natural_log(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(natural_log(-1)));
  EXPECT_TRUE(std::isnan(natural_log(NAN)));
  EXPECT_EQ(power(2, 1023), 0x1p1023);
  EXPECT_EQ(power(2, 1024), INFINITY);
  EXPECT_EQ(power(2, -1074), 0x1p-1074);
  EXPECT_EQ(power(2, -1080), 0);
  EXPECT_EQ(power(3, 20), 3486784401);
  EXPECT_EQ(power(7, 0), 1);
  for (const double x : {0.0, -1.0, double{INFINITY}, double{NAN}}) EXPECT_TRUE(std::isnan(power(x, 1))) << x;
  EXPECT_TRUE(std::isnan(power(2, INFINITY)));
  EXPECT_EQ(sine_cosine(0).sine, 0);
  EXPECT_EQ(sine_cosine(0).cosine, 1);
  for (const double x : {std::nextafter(kMostAngle, INFINITY), double{INFINITY}, double{NAN}})
    EXPECT_TRUE(std::isnan(sine_cosine(x).sine) && std::isnan(sine_cosine(-x).cosine)) << x;
}

TEST(Math, HasTheSameBitsEverywhere) { EXPECT_EQ(math_bits(), kMathBits); }  // also under tests/aarch64 and tests/windows

}  // namespace
}  // namespace rustml::base
