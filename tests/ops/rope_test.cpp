#include "ops/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace rustml::ops {
namespace {

TEST(Rope, FrequenciesAreThePapers) {
  const auto f = rope_frequencies(64, 10000.0, {}, {});
  ASSERT_EQ(f.size(), 32u);
  EXPECT_DOUBLE_EQ(f[0], 1.0);
  EXPECT_NEAR(f[16], 0.01, 1e-15);            // 10000^(-32/64)
  EXPECT_NEAR(f[31], 1.333521432e-4, 1e-12);  // 10000^(-62/64)
}

TEST(Rope, ScalingDivides) {
  const auto plain = rope_frequencies(8, 500.0, {}, {});
  const auto linear = rope_frequencies(8, 500.0, {RopeScaling::Kind::linear, 4}, {});
  const auto divided = rope_frequencies(8, 500.0, {}, {1, 2, 4, 8});
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_DOUBLE_EQ(linear[i], plain[i] / 4);
    EXPECT_DOUBLE_EQ(divided[i], plain[i] / std::exp2(static_cast<double>(i)));
  }
}

TEST(Rope, AnglesAreRoundedOnceEvenFarOut) {
  const auto f = rope_frequencies(64, 100000.0, {}, {});
  float c[32], s[32];
  rope_angles(f, 8191, c, s);
  for (size_t i = 0; i < 32; ++i) {
    const long double angle = 8191.0L * powl(100000.0L, -2.0L * static_cast<long double>(i) / 64.0L);
    EXPECT_NEAR(c[i], static_cast<double>(cosl(angle)), 1e-7);
    EXPECT_NEAR(s[i], static_cast<double>(sinl(angle)), 1e-7);
  }
}

TEST(Rope, RefusesFrequenciesBeyondTheAnglesThatAreExact) {
  EXPECT_NO_THROW(rope_frequencies(8, 500.0, {}, {0.25f, 1, 1, 1}));  // 4 radians per position
  const auto expect_refused = [](double theta, const RopeScaling& scaling, const std::vector<float>& divisors) {
    try {
      rope_frequencies(8, theta, scaling, divisors);
      ADD_FAILURE() << theta;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.status(), base::Status::data_loss);
      EXPECT_NE(error.message().find("turns by more than 4 radians"), std::string::npos) << error.message();
    }
  };
  expect_refused(500.0, {}, {0.2f, 1, 1, 1});
  expect_refused(500.0, {}, {1, 0, 1, 1});
  expect_refused(500.0, {}, {1, NAN, 1, 1});
  expect_refused(1e-300, {}, {});
  expect_refused(500.0, {RopeScaling::Kind::linear, 1e-3}, {});
}

}  // namespace
}  // namespace rustml::ops
