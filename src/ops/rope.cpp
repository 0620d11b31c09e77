#include "ops/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/math.h"

namespace rustml::ops {
namespace {

constexpr double kMostFrequency = base::kMostAngle / 0x1p24;  // positions are below 2^24

using Kind = RopeScaling::Kind;

double width(auto n) { return static_cast<double>(n); }

// NTK-aware scaling of the base: at `context` tokens the slowest pair turns as far as it did within original_context.
double dynamic_base(double dim, double theta, const RopeScaling& scaling, uint64_t context) {
  const double stretch = std::max(1.0, width(context) / scaling.original_context);
  return theta * base::power(scaling.factor * stretch - (scaling.factor - 1), dim / (dim - 2));
}

// How much of the unscaled frequency each pair keeps: 1 up to the pair that turns beta_fast times within original_context, 0 from the
// one that turns beta_slow times on.
std::vector<double> yarn_kept(double dim, double theta, const RopeScaling& scaling) {
  const auto pair_that_turns = [&](double times) {
    return dim * base::natural_log(scaling.original_context / (times * 2 * std::numbers::pi)) / (2 * base::natural_log(theta));
  };
  double low = pair_that_turns(scaling.beta_fast), high = pair_that_turns(scaling.beta_slow);
  if (scaling.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0), high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  std::vector<double> kept(static_cast<size_t>(dim / 2));
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = 1 - std::clamp((width(i) - low) / (high - low), 0.0, 1.0);
  return kept;
}

}  // namespace

std::vector<float> llama3_divisors(int64_t dim, double theta, const RopeScaling& scaling) {
  std::vector<float> divisors(static_cast<size_t>(dim / 2));
  for (size_t i = 0; i < divisors.size(); ++i) {
    const double wavelength = 2 * std::numbers::pi * base::power(theta, 2.0 * width(i) / width(dim));
    const double turns = scaling.original_context / wavelength;
    const double smooth = std::clamp((turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor), 0.0, 1.0);
    divisors[i] = static_cast<float>(1 / ((1 - smooth) / scaling.factor + smooth));
  }
  return divisors;
}

double yarn_magnitude(double factor, double weight) { return factor <= 1 ? 1 : 0.1 * weight * base::natural_log(factor) + 1; }

double longrope_magnitude(double factor, double original_context) {
  return factor <= 1 ? 1 : std::sqrt(1 + base::natural_log(factor) / base::natural_log(original_context));
}

std::vector<double> rope_frequencies(int64_t dim, double theta, const RopeScaling& scaling, const std::vector<float>& divisors,
                                     uint64_t context) {
  std::vector<double> frequencies(static_cast<size_t>(dim / 2));
  const std::vector<float>* divided = &divisors;
  std::vector<double> kept;
  if (scaling.kind == Kind::yarn) kept = yarn_kept(width(dim), theta, scaling);
  if (scaling.kind == Kind::dynamic) theta = dynamic_base(width(dim), theta, scaling, context);
  if (scaling.kind == Kind::longrope)
    divided = width(context) > scaling.original_context ? &scaling.long_divisors : &scaling.short_divisors;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = base::power(theta, -2.0 * width(i) / width(dim));
    if (scaling.kind == Kind::linear) frequencies[i] /= scaling.factor;
    if (!kept.empty()) frequencies[i] = frequencies[i] / scaling.factor * (1 - kept[i]) + frequencies[i] * kept[i];
    if (!divided->empty()) frequencies[i] /= (*divided)[i];
    if (!(std::fabs(frequencies[i]) <= kMostFrequency))
      base::fail(base::Status::data_loss, "rotary embedding: pair " + std::to_string(i) +
                                              " turns by more than 4 radians from one position"
                                              " to the next; the file's base, factor or rope_freqs.weight is damaged");
  }
  return frequencies;
}

void rope_angles(const std::vector<double>& frequencies, uint64_t position, float* cosines, float* sines, double magnitude) {
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = static_cast<double>(position) * frequencies[i];
    const base::SineCosine turned = base::sine_cosine(angle);
    cosines[i] = static_cast<float>(turned.cosine * magnitude);
    sines[i] = static_cast<float>(turned.sine * magnitude);
  }
}

}  // namespace rustml::ops
