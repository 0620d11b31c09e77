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

// transformers 5.24 in float64: ROPE_INIT_FUNCTIONS of a LlamaConfig with heads of 16 and rope_theta 10000.
TEST(Rope, YarnDynamicAndLongropeAreTransformers) {
  const auto expect = [](const RopeScaling& scaling, uint64_t context, const std::vector<double>& expected) {
    const std::vector<double> f = rope_frequencies(16, 10000.0, scaling, {}, context);
    ASSERT_EQ(f.size(), expected.size());
    for (size_t i = 0; i < f.size(); ++i) EXPECT_NEAR(f[i], expected[i], 1e-11 * expected[i]) << i;
  };
  RopeScaling yarn;
  yarn.kind = RopeScaling::Kind::yarn, yarn.factor = 4, yarn.original_context = 1024;
  expect(yarn, 0, {1.0, 0.316227766017, 0.08125, 0.0197642353761, 0.004375, 0.000790569415042, 0.00025, 7.90569415042e-05});
  yarn.truncate = false, yarn.beta_fast = 16, yarn.beta_slow = 2;
  expect(yarn, 0, {1.0, 0.316227766017, 0.1, 0.0187018028018, 0.0025, 0.000790569415042, 0.00025, 7.90569415042e-05});
  EXPECT_NEAR(yarn_magnitude(4), 1.13862943611, 1e-11);
  EXPECT_NEAR(yarn_magnitude(4, 0.707) / yarn_magnitude(4, 1.5), 0.908991535364, 1e-11);
  EXPECT_EQ(yarn_magnitude(0.5), 1);

  RopeScaling dynamic;
  dynamic.kind = RopeScaling::Kind::dynamic, dynamic.factor = 4, dynamic.original_context = 1024;
  expect(dynamic, 3000,
         {1.0, 0.232086242031, 0.05386402374, 0.0125010988505, 0.00290133305346, 0.000673359485257, 0.000156277472469, 3.62698512994e-05});
  for (const uint64_t context : {0u, 1u, 1024u})
    EXPECT_EQ(rope_frequencies(16, 10000.0, dynamic, {}, context), rope_frequencies(16, 10000.0, {}, {}));

  RopeScaling longrope;
  longrope.kind = RopeScaling::Kind::longrope, longrope.original_context = 1024;
  longrope.short_divisors = std::vector<float>(8, 1), longrope.long_divisors = {1, 1.5f, 2, 2.5f, 3, 3.5f, 4, 4.5f};
  expect(longrope, 1025, {1.0, 0.210818510678, 0.05, 0.0126491106407, 0.00333333333333, 0.000903507902905, 0.00025, 7.02728368926e-05});
  EXPECT_EQ(rope_frequencies(16, 10000.0, longrope, {}, 1024), rope_frequencies(16, 10000.0, {}, {}));
  EXPECT_NEAR(longrope_magnitude(4, 1024), 1.09544511501, 1e-11);
  EXPECT_EQ(longrope_magnitude(1, 1024), 1);
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

TEST(Rope, MagnitudeMultipliesBoth) {
  const auto f = rope_frequencies(8, 500.0, {}, {});
  float c[4], s[4], times_c[4], times_s[4];
  rope_angles(f, 7, c, s);
  rope_angles(f, 7, times_c, times_s, 1.5);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(times_c[i], 1.5f * c[i]);
    EXPECT_FLOAT_EQ(times_s[i], 1.5f * s[i]);
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
