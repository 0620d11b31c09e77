#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "chat/characters.h"
#include "chat/filter_functions.h"
#include "chat/text_operations.h"

namespace rustml::chat::filters {

using Kind = Value::Kind;

namespace {

[[noreturn]] void too_large(Renderer& renderer) { renderer.unsupported("an integer of more than 64 bits"); }

// Without blanks around it and single "_" between digits; nothing: "_" is elsewhere.
std::optional<std::string> number_text(const Text& text, Renderer& renderer) {
  const std::string bytes = stripped(text, true, true).bytes();
  renderer.count_bytes(bytes.size());
  std::string out;
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (static_cast<unsigned char>(bytes[i]) >= 0x80 && is_digit(character_at(bytes, i)))
      renderer.unsupported("a number in other digits than 0 to 9");
    if (bytes[i] != '_') {
      out += bytes[i];
    } else if (i == 0 || i + 1 == bytes.size() || !digit(bytes[i - 1]) || !digit(bytes[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<int64_t> read_integer(const Text& text, int64_t base, Renderer& renderer) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  const std::optional<std::string> plain = number_text(text, renderer);
  if (!plain) return std::nullopt;
  std::string_view rest = *plain;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.size() > 2 && rest[0] == '0') {
    const char mark = static_cast<char>(rest[1] | 0x20);
    const int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      rest.remove_prefix(2);
      base = marked;
    }
  }
  if (base == 0) {
    base = 10;
    if (rest.size() > 1 && rest[0] == '0' && rest.find_first_not_of('0') != std::string_view::npos) return std::nullopt;
  }
  uint64_t size = 0;
  const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), size, static_cast<int>(base));
  if (rest.empty() || end != rest.data() + rest.size()) return std::nullopt;
  if (fault != std::errc() || size > static_cast<uint64_t>(INT64_MAX)) too_large(renderer);
  return negative ? -static_cast<int64_t>(size) : static_cast<int64_t>(size);
}

std::optional<double> read_real(const Text& text, Renderer& renderer) {
  const std::optional<std::string> plain = number_text(text, renderer);
  if (!plain) return std::nullopt;
  std::string_view rest = *plain;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || rest[0] == '-' || rest.find('(') != std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (end != rest.data() + rest.size()) return std::nullopt;
  if (fault == std::errc::result_out_of_range) renderer.unsupported("a number beyond those of 64 bits");
  return negative ? -value : value;
}

int64_t truncated(double value, Renderer& renderer) {
  if (!(std::fabs(value) < 0x1p63)) too_large(renderer);
  return static_cast<int64_t>(value);
}

[[noreturn]] void bad_operand(const Value& value, const char* what, Renderer& renderer) {
  if (value.is(Kind::undefined)) renderer.fail(value.as_undefined().what);
  renderer.fail("bad operand type for " + std::string(what) + ": '" + std::string(type_name(value)) + "'");
}

}  // namespace

Value absolute(const Value& subject, const Parameters&, Renderer& renderer) {
  if (!subject.is_number()) bad_operand(subject, "abs()", renderer);
  if (subject.is(Kind::real)) return Value(std::fabs(subject.as_real()));
  if (subject.as_integer() == INT64_MIN) too_large(renderer);
  return Value(std::abs(subject.as_integer()));
}

Value integer(const Value& subject, const Parameters& given, Renderer& renderer) {
  const Value fallback = given.value(0, Value(int64_t{0}));
  switch (subject.kind()) {
    case Kind::undefined: renderer.fail(subject.as_undefined().what);
    case Kind::boolean:
    case Kind::integer: return Value(subject.as_integer());
    case Kind::real:
      if (std::isinf(subject.as_real())) renderer.fail("cannot convert float infinity to integer");
      return std::isnan(subject.as_real()) ? fallback : Value(truncated(subject.as_real(), renderer));
    case Kind::text: {
      if (const auto whole = read_integer(subject.as_text(), given.integer(1, 10), renderer)) return Value(*whole);
      const auto real = read_real(subject.as_text(), renderer);
      return real && std::isfinite(*real) ? Value(truncated(*real, renderer)) : fallback;
    }
    default: return fallback;
  }
}

Value real(const Value& subject, const Parameters& given, Renderer& renderer) {
  const Value fallback = given.value(0, Value(0.0));
  if (subject.is(Kind::undefined)) renderer.fail(subject.as_undefined().what);
  if (subject.is_number()) return Value(subject.as_real());
  if (!subject.is(Kind::text)) return fallback;
  const auto value = read_real(subject.as_text(), renderer);
  return value ? Value(*value) : fallback;
}

namespace {

// Powers of ten that a double holds exactly.
double power_of_ten(int64_t exponent) {
  double power = 1;
  for (int64_t i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// To so many digits behind the point, halves of the exact value to the even neighbour, as Python rounds.
double rounded(double value, int64_t digits, Renderer& renderer) {
  if (!std::isfinite(value) || digits > 330) return value;
  if (digits < 0) {
    if (digits < -22) renderer.unsupported("round to so many digits");
    return std::nearbyint(value / power_of_ten(-digits)) * power_of_ten(-digits);
  }
  char text[700];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, static_cast<int>(digits)).ptr;
  double out = value;
  std::from_chars(text, end, out);
  return out;
}

int64_t rounded(int64_t value, int64_t digits, Renderer& renderer) {
  if (digits >= 0) return value;
  if (digits < -17) renderer.unsupported("round to so many digits");
  int64_t unit = 1;
  for (int64_t i = digits; i < 0; ++i) unit *= 10;
  const int64_t rest = value % unit, down = value - rest, twice = 2 * std::abs(rest);
  const bool away = twice > unit || (twice == unit && down / unit % 2 != 0);
  const int64_t step = !away ? 0 : value < 0 ? -unit : unit;
  int64_t out = 0;
  if (__builtin_add_overflow(down, step, &out)) too_large(renderer);
  return out;
}

}  // namespace

Value round(const Value& subject, const Parameters& given, Renderer& renderer) {
  const std::string method = given[1] != nullptr ? renderer.text(*given[1]).bytes() : "common";
  if (method != "common" && method != "ceil" && method != "floor") renderer.fail("method must be common, ceil or floor");
  const int64_t digits = given.integer(0);
  if (!subject.is_number()) bad_operand(subject, "round()", renderer);
  if (method == "common")
    return subject.is(Kind::real) ? Value(rounded(subject.as_real(), digits, renderer))
                                  : Value(rounded(subject.as_integer(), digits, renderer));
  if (digits < 0 || digits > 22) renderer.unsupported("round to so many digits by " + method);
  const double unit = power_of_ten(digits), scaled = subject.as_real() * unit;
  if (!std::isfinite(scaled)) renderer.fail("cannot convert float infinity or NaN to integer");
  const double whole = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return Value((whole == 0 ? 0 : whole) / unit);
}

}  // namespace rustml::chat::filters
