// Logarithm and power are worked out in pairs of doubles (Dekker 1971, Knuth's TwoSum): about 100 bits, so that rounding to 53
// is right but for about one argument in 2^45. They are called a few times per token or per model. Sine and cosine, called
// hundreds of times per token, reduce the angle exactly and evaluate plain series.
#include "base/math.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace rustml::base {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kRound = 0x1.8p52;  // x + kRound - kRound is x rounded to an integer, for |x| < 2^51

// high + low, |low| at most half a unit in the last place of high.
struct Pair {
  double high, low;
};

constexpr Pair two_sum(double a, double b) {  // exact
  const double sum = a + b, part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

constexpr Pair normalized(double high, double low) {  // exact if |high| >= |low|
  const double sum = high + low;
  return {sum, low - (sum - high)};
}

constexpr Pair halves(double a) {  // 26 bits each; |a| < 2^996
  const double shifted = (0x1p27 + 1) * a, high = shifted - (shifted - a);
  return {high, a - high};
}

constexpr Pair two_product(double a, double b) {  // exact while nothing underflows
  const double product = a * b;
  const Pair x = halves(a), y = halves(b);
  return {product, ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

constexpr Pair operator+(Pair a, Pair b) {
  const Pair high = two_sum(a.high, b.high), low = two_sum(a.low, b.low);
  const Pair sum = normalized(high.high, high.low + low.high);
  return normalized(sum.high, sum.low + low.low);
}

constexpr Pair operator*(Pair a, Pair b) {
  const Pair product = two_product(a.high, b.high);
  return normalized(product.high, product.low + (a.high * b.low + a.low * b.high));
}

constexpr Pair operator/(Pair a, Pair b) {
  const double first = a.high / b.high;
  const Pair product = b * Pair{first, 0};
  const Pair left = a + Pair{-product.high, -product.low};
  return normalized(first, left.high / b.high);
}

constexpr Pair kLn2{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
constexpr double kInverseLn2 = 0x1.71547652b82fep0;

constexpr size_t kPairTerms = 9;  // of kLogTerms
constexpr int kLogTerms = 21;     // of atanh(s) / s = 1 + s^2/3 + s^4/5 + ...; s^2 <= 0.0295, so the rest is below 2^-110
constexpr auto kOdd = [] {
  std::array<Pair, kLogTerms> inverse{};
  for (int i = 0; i < kLogTerms; ++i) inverse[static_cast<size_t>(i)] = Pair{1, 0} / Pair{2.0 * i + 1, 0};
  return inverse;
}();

constexpr int kExpTerms = 24;  // of exp(r) = 1 + r + r^2/2! + ...; |r| <= 0.35, so the rest is below 2^-115
constexpr auto kFactorial = [] {
  std::array<Pair, kExpTerms> inverse{{{1, 0}}};
  for (size_t i = 1; i < kExpTerms; ++i) inverse[i] = inverse[i - 1] / Pair{static_cast<double>(i), 0};
  return inverse;
}();

double power_of_two(int64_t exponent) { return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52); }

// x is positive and finite.
Pair log_pair(double x) {
  constexpr double kRootOfTwo = 0x1.6a09e667f3bcdp0;
  int64_t exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int64_t>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (m > kRootOfTwo) {
    m /= 2;
    ++exponent;
  }
  const Pair s = Pair{m - 1, 0} / two_sum(m, 1);  // ln m = 2 atanh((m - 1) / (m + 1))
  const Pair square = s * s;
  double rest = kOdd.back().high;  // s^18 is below 2^-45: from there on 53 bits are enough for 98
  for (size_t i = kOdd.size() - 1; i-- > kPairTerms;) rest = rest * square.high + kOdd[i].high;
  Pair series{rest, 0};
  for (size_t i = kPairTerms; i-- > 0;) series = series * square + kOdd[i];
  const Pair log_m = s * series;
  return kLn2 * Pair{static_cast<double>(exponent), 0} + Pair{2 * log_m.high, 2 * log_m.low};
}

// Terms of the series of sine and cosine in r^2, from r^3/3! and r^4/4! on; |r| <= 0.79, so the rest is below 2^-60 of the result.
constexpr int kCircleTerms = 8;
constexpr std::array<double, kCircleTerms> circle_terms(size_t first) {
  std::array<double, kCircleTerms> terms{};
  for (size_t i = 0; i < kCircleTerms; ++i) {
    const double term = kFactorial[first + 2 * i].high;
    terms[i] = (first + 2 * i) % 4 < 2 ? term : -term;
  }
  return terms;
}
constexpr auto kSine = circle_terms(3), kCosine = circle_terms(4);

double series(const std::array<double, kCircleTerms>& terms, double x) {
  double sum = terms.back();
  for (size_t i = terms.size() - 1; i-- > 0;) sum = sum * x + terms[i];
  return sum;
}

}  // namespace

SineCosine sine_cosine(double x) noexcept {
  if (!(x <= kMostAngle && x >= -kMostAngle)) return {kNaN, kNaN};
  // Cody and Waite: multiples of pi/2, in parts of 27 bits times at most 2^26, are exact, and so are the sums.
  constexpr double kParts[] = {0x1.921fb54000000p+0, 0x1.10b4610000000p-30, 0x1.a626330000000p-58, 0x1.45c06e0000000p-86,
                               0x1.cd129024e088ap-115};
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  const double shifted = x * kTwoOverPi + kRound, n = shifted - kRound;
  Pair r{x, 0};
  for (const double part : kParts) {
    const Pair next = two_sum(r.high, -n * part);
    r = {next.high, r.low + next.low};
  }
  r = normalized(r.high, r.low);
  const double square = r.high * r.high, half = square / 2;
  // sin(h + l) = h + (l (1 - h^2/2) + h^3 S(h^2)); cos(h + l) = (1 - h^2/2) + (h^4 C(h^2) - h l + what 1 - h^2/2 lost)
  const double sine = r.high + (r.low * (1 - half) + r.high * square * series(kSine, square));
  const double rest = 1 - half;
  const double cosine = rest + (((1 - rest) - half) + (square * square * series(kCosine, square) - r.high * r.low));
  const auto quadrant = std::bit_cast<uint64_t>(shifted) & 3;  // the integer's last bits
  const double first = quadrant % 2 == 0 ? sine : cosine, second = quadrant % 2 == 0 ? cosine : sine;
  return {quadrant < 2 ? first : -first, quadrant == 0 || quadrant == 3 ? second : -second};
}

double natural_log(double x) noexcept {
  if (!(x > 0)) return x == 0 ? -kInfinity : kNaN;
  if (x == kInfinity) return x;
  return log_pair(x).high;
}

double power(double x, double y) noexcept {
  if (!(x > 0 && x < kInfinity && y - y == 0)) return kNaN;
  const Pair log = log_pair(x);
  const double estimate = y * log.high;
  if (estimate > 710) return kInfinity;
  if (estimate < -746) return 0;
  const Pair z = log * Pair{y, 0};
  const double n = z.high * kInverseLn2 + kRound - kRound;
  const Pair r = z + kLn2 * Pair{-n, 0};
  Pair sum = kFactorial.back();
  for (size_t i = kFactorial.size() - 1; i-- > 0;) sum = sum * r + kFactorial[i];
  const auto exponent = static_cast<int64_t>(n), first = exponent / 2;
  return sum.high * power_of_two(first) * power_of_two(exponent - first);
}

float fused_multiply_add(float x, float y, float z) noexcept {
  // The product is exact. The sum is rounded to odd, which keeps on which side of a float's halfway point it lies.
  const Pair sum = two_sum(static_cast<double>(x) * static_cast<double>(y), static_cast<double>(z));
  auto bits = std::bit_cast<uint64_t>(sum.high);
  if (sum.low != 0 && sum.low - sum.low == 0 && bits % 2 == 0) bits += (sum.low > 0) == (sum.high > 0) ? 1 : uint64_t(-1);
  return static_cast<float>(std::bit_cast<double>(bits));
}

}  // namespace rustml::base
