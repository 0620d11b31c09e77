#include "ops/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/math.h"

namespace rustml::ops {
namespace {
constexpr double kMostFrequency = base::kMostAngle / 0x1p24;  // positions are below 2^24
}

std::vector<float> llama3_divisors(int64_t dim, double theta, const RopeScaling& scaling) {
  std::vector<float> divisors(static_cast<size_t>(dim / 2));
  for (size_t i = 0; i < divisors.size(); ++i) {
    const double wavelength = 2 * std::numbers::pi * base::power(theta, 2.0 * static_cast<double>(i) / static_cast<double>(dim));
    const double turns = scaling.original_context / wavelength;
    const double smooth = std::clamp((turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor), 0.0, 1.0);
    divisors[i] = static_cast<float>(1 / ((1 - smooth) / scaling.factor + smooth));
  }
  return divisors;
}

std::vector<double> rope_frequencies(int64_t dim, double theta, const RopeScaling& scaling, const std::vector<float>& divisors) {
  std::vector<double> frequencies(static_cast<size_t>(dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = base::power(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
    if (scaling.kind == RopeScaling::Kind::linear) frequencies[i] /= scaling.factor;
    if (!divisors.empty()) frequencies[i] /= divisors[i];
    if (!(std::fabs(frequencies[i]) <= kMostFrequency))
      base::fail(base::Status::data_loss, "rotary embedding: pair " + std::to_string(i) +
                                              " turns by more than 4 radians from one position"
                                              " to the next; the file's base, factor or rope_freqs.weight is damaged");
  }
  return frequencies;
}

void rope_angles(const std::vector<double>& frequencies, uint64_t position, float* cosines, float* sines) {
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = static_cast<double>(position) * frequencies[i];
    const base::SineCosine turned = base::sine_cosine(angle);
    cosines[i] = static_cast<float>(turned.cosine);
    sines[i] = static_cast<float>(turned.sine);
  }
}

}  // namespace rustml::ops
