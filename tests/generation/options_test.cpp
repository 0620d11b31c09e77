#include "generation/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>

#include "../base/expect_error.h"

namespace rustml::generation {
namespace {

constexpr int32_t kVocab = 100;
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinite = std::numeric_limits<float>::infinity();
constexpr auto kInvalid = base::Status::invalid_argument;

void expect_refused(const GenerationOptions& options, const char* part) { EXPECT_ERROR(validate(options, kVocab), kInvalid, part); }

TEST(Options, DefaultsAreValid) { EXPECT_NO_THROW(validate({}, kVocab)); }

struct FloatField {
  const char* name;
  float SamplingOptions::*field;
  std::vector<float> good, bad;
};

TEST(Options, FloatRanges) {
  const float below_one = std::nextafter(1.0F, 0.0F), above_one = std::nextafter(1.0F, 2.0F);
  const std::vector<FloatField> fields = {
      {"temperature", &SamplingOptions::temperature, {0, FLT_TRUE_MIN, 1, FLT_MAX}, {-FLT_TRUE_MIN, -1}},
      {"top_p", &SamplingOptions::top_p, {FLT_TRUE_MIN, below_one, 1}, {0, -0.1F, above_one, 1.5F, FLT_MAX}},
      {"min_p", &SamplingOptions::min_p, {0, FLT_TRUE_MIN, 1}, {-FLT_TRUE_MIN, above_one}},
      {"typical_p", &SamplingOptions::typical_p, {FLT_TRUE_MIN, 1}, {0, -1, above_one}},
      {"repetition_penalty", &SamplingOptions::repetition_penalty, {FLT_TRUE_MIN, 0.5F, FLT_MAX}, {0, -1}},
      {"presence_penalty", &SamplingOptions::presence_penalty, {-100, 0, 100}, {-100.5F, 101, FLT_MAX}},
      {"frequency_penalty", &SamplingOptions::frequency_penalty, {-100, 0, 100}, {-100.5F, 101, -FLT_MAX}},
  };
  const auto is_tested = [&](const auto& option, auto value) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const FloatField& f) { return option.name == std::string_view(f.name); });
    EXPECT_TRUE(!(std::is_same_v<decltype(value), float>) || found != fields.end()) << option.name;
  };
  const SamplingOptions usual;
  base::for_each_sampling_number(is_tested, usual);
  for (const FloatField& f : fields) {
    GenerationOptions options;
    for (const float value : f.good) {
      options.sampling.*f.field = value;
      EXPECT_NO_THROW(validate(options, kVocab)) << f.name << ' ' << value;
    }
    std::vector<float> bad = f.bad;
    bad.insert(bad.end(), {kNotANumber, -kNotANumber, kInfinite, -kInfinite});
    for (const float value : bad) {
      options.sampling.*f.field = value;
      expect_refused(options, f.name);
    }
  }
}

TEST(Options, MessageNamesFieldValueRangeAndWayOut) {
  GenerationOptions options;
  options.sampling.top_p = 1.5F;
  expect_refused(options, "top_p is 1.5; it must be above 0 and at most 1; 1 turns it off");
  options = {};
  options.sampling.temperature = kNotANumber;
  expect_refused(options, "temperature is nan; it must be 0 or more; 0 is greedy");
  options = {};
  options.sampling.top_k = -1;
  expect_refused(options, "top_k is -1; it must be 0 or more; 0 turns it off");
  options = {};
  options.sampling.logprobs = 101;
  expect_refused(options, "logprobs is 101; it must be at most 100");
}

TEST(Options, IntegersAtTheirEnds) {
  GenerationOptions options;
  options.max_tokens = UINT64_MAX;
  options.sampling.seed = UINT64_MAX;
  options.sampling.top_k = INT32_MAX;
  options.sampling.repetition_window = UINT32_MAX;
  options.sampling.logprobs = 100;
  EXPECT_NO_THROW(validate(options, kVocab));
  options.sampling.top_k = INT32_MIN;
  expect_refused(options, "top_k");
}

TEST(Options, LogitBias) {
  GenerationOptions options;
  options.sampling.logit_bias = {{0, -kInfinite}, {99, FLT_MAX}, {99, -3}};
  EXPECT_NO_THROW(validate(options, kVocab));
  for (const int32_t id : {-1, kVocab, INT32_MAX, INT32_MIN}) {
    options.sampling.logit_bias = {{1, 1}, {id, 1}};
    expect_refused(options, "logit_bias[1].id");
  }
  for (const float bias : {kNotANumber, kInfinite}) {
    options.sampling.logit_bias = {{1, bias}};
    expect_refused(options, "logit_bias[0].bias");
  }
  options.sampling.logit_bias.assign(kVocab + 1, {0, 1});
  expect_refused(options, "logit_bias has 101 entries; at most 100");
  options.sampling.logit_bias.clear();
  for (int32_t id = 0; id < kVocab; ++id) options.sampling.logit_bias.push_back({id, -kInfinite});
  expect_refused(options, "forbids every token");
  options.sampling.logit_bias.back() = {0, -kInfinite};
  EXPECT_NO_THROW(validate(options, kVocab));
}

TEST(Options, StopIds) {
  GenerationOptions options;
  options.stop_ids = {0, 99};
  EXPECT_NO_THROW(validate(options, kVocab));
  for (const int32_t id : {-1, kVocab, INT32_MAX}) {
    options.stop_ids = {id};
    expect_refused(options, "stop_ids[0]");
  }
  options.stop_ids.assign(kVocab + 1, 1);
  expect_refused(options, "stop_ids has 101 entries");
}

TEST(Options, StopStrings) {
  GenerationOptions options;
  options.stop_strings.assign(kMaxStopStrings, "\xF0\x9F\x99\x82");
  EXPECT_NO_THROW(validate(options, kVocab));
  options.stop_strings.assign(100000, "x");
  expect_refused(options, "stop_strings has 100000 entries; at most 1024");
  options.stop_strings = {"a", ""};
  expect_refused(options, "stop_strings[1] is empty");
  options.stop_strings = {"good", "bad \xC3("};
  expect_refused(options, "stop_strings[1] is not UTF-8: byte 4");
  options.stop_strings = {std::string(kMaxStopStringBytes, 'x')};
  EXPECT_NO_THROW(validate(options, kVocab));
  options.stop_strings = {std::string(1 << 20, 'x')};
  expect_refused(options, "stop_strings[0] is 1048576 bytes long; it must be at most 65536 bytes");
  options.stop_strings.assign(17, std::string(kMaxStopStringBytes, 'x'));
  expect_refused(options, "stop_strings are 1114112 bytes together; at most 1048576");
  options.stop_strings = {std::string("a\0b", 3)};
  EXPECT_NO_THROW(validate(options, kVocab));
}

}  // namespace
}  // namespace rustml::generation
