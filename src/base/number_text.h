// Numbers as text: the same bytes in every locale. Only here are floating-point numbers written (tests/checks, check `locale`).
// Whole numbers have std::to_string and %d. In a header, since the program and the hub link nothing of base.
#pragma once
#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>

namespace rustml::base {

// As printf's "%WIDTH.DIGITSf" in the C locale. Up to 15 characters nothing is allocated.
inline std::string fixed(double value, int digits, size_t width = 0) {
  char text[400];  // the largest double has 309 digits before its point
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, std::min(digits, 60)).ptr;
  std::string out(text, end);
  if (out.size() < width) out.insert(0, width - out.size(), ' ');
  return out;
}

// The fewest digits that read back as the same number, laid out as ECMAScript does (RFC 8785): 0.000001, 1e-7, 100000, 1e+21.
// "nan", "inf" and "-inf" for the others.
template <std::floating_point Float>
std::string shortest(Float value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (value == 0) return "0";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific).ptr;
  std::string_view rest(text, static_cast<size_t>(end - text));
  const size_t at = rest.find('e');
  int exponent = 0;
  std::from_chars(rest.data() + at + (rest[at + 1] == '+' ? 2 : 1), end, exponent);
  std::string digits(1, rest[0]);
  if (at > 2) digits += rest.substr(2, at - 2);
  const auto n = static_cast<int>(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (exponent >= 21 || exponent < -6) {
    out += digits.substr(0, 1) + (n > 1 ? "." + digits.substr(1) : "") + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  } else if (exponent < 0) {
    out += "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  } else if (n <= exponent + 1) {
    out += digits + std::string(static_cast<size_t>(exponent + 1 - n), '0');
  } else {
    out += digits.substr(0, static_cast<size_t>(exponent + 1)) + "." + digits.substr(static_cast<size_t>(exponent + 1));
  }
  return out;
}

template <std::integral Whole>
std::string shortest(Whole value) {
  return std::to_string(value);
}

}  // namespace rustml::base
