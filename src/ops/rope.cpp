#include "ops/rope.h"

#include <cmath>

namespace rustml::ops {

std::vector<double> rope_frequencies(int64_t dim, double base, const RopeScaling& scaling, const std::vector<float>& divisors) {
  std::vector<double> frequencies(static_cast<size_t>(dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
    if (scaling.kind == RopeScaling::Kind::linear) frequencies[i] /= scaling.factor;
    if (!divisors.empty()) frequencies[i] /= divisors[i];
  }
  return frequencies;
}

void rope_angles(const std::vector<double>& frequencies, uint64_t position, float* cosines, float* sines) {
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = static_cast<double>(position) * frequencies[i];
    cosines[i] = static_cast<float>(std::cos(angle));
    sines[i] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace rustml::ops
