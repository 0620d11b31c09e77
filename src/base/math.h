// The mathematical functions that reach results. The system's differ in last bits between machines; these use additions,
// multiplications and divisions of doubles only, each rounded once (-ffp-contract=off), so their bits are the same everywhere.
#pragma once

namespace rustml::base {

constexpr double kMostAngle = 0x1p26;  // radians

struct SineCosine {
  double sine, cosine;
};

// |x| <= kMostAngle; each within 1 unit in the last place. Beyond it, and of NaN: NaN.
SineCosine sine_cosine(double x) noexcept;

// ln x, rounded to nearest (0.5001 units in the last place). Of 0: -inf; of inf: inf; of less than 0 and NaN: NaN.
double natural_log(double x) noexcept;

// x^y, rounded to nearest (0.5001 units) where the result is a normal number; beyond them inf, 0 or a subnormal number.
// x > 0 and y finite; NaN for others.
double power(double x, double y) noexcept;

// x * y + z of floats, rounded once. MinGW's fmaf rounds after every operation.
float fused_multiply_add(float x, float y, float z) noexcept;

}  // namespace rustml::base
