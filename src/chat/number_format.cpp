#include "chat/number_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace rustml::chat {
namespace {

NumberText whole_text(int64_t value, const NumberForm& form, Renderer& renderer) {
  const int base = form.type == 'd' ? 10 : form.type == 'o' ? 8 : form.type == 'b' ? 2 : 16;
  const bool negative = value < 0;
  const uint64_t size = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  char buffer[72];
  std::string digits(buffer, std::to_chars(buffer, buffer + sizeof buffer, size, base).ptr);
  if (form.precision > 0 && static_cast<uint64_t>(form.precision) > digits.size()) {
    renderer.count_bytes(static_cast<uint64_t>(form.precision));
    digits.insert(0, static_cast<size_t>(form.precision) - digits.size(), '0');
  }
  const std::string_view prefix = !form.prefixed || base == 10 ? "" : base == 16 ? "0x" : base == 8 ? "0o" : "0b";
  return {std::string(prefix), std::move(digits), negative};
}

NumberText real_digits(double value, const NumberForm& form, Renderer& renderer) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  if (std::isnan(value)) return {"", "nan", false};
  if (std::isinf(value)) return {"", "inf", negative};
  const char type = static_cast<char>(form.type | 0x20);
  int64_t precision = form.precision < 0 ? 6 : form.precision;
  if (type == 'g' && precision == 0) precision = 1;
  renderer.count_bytes(static_cast<uint64_t>(precision));
  std::string digits(static_cast<size_t>(std::min<int64_t>(precision, INT32_MAX - 400)) + 400, '\0');
  const auto format = type == 'e' ? std::chars_format::scientific : type == 'f' ? std::chars_format::fixed : std::chars_format::general;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::fabs(value), format, static_cast<int>(precision)).ptr;
  digits.resize(static_cast<size_t>(end - digits.data()));
  return {"", std::move(digits), negative};
}

}  // namespace

NumberText number_text(const Value& value, const NumberForm& form, Renderer& renderer) {
  const bool whole = std::string_view("dxXob").find(form.type) != std::string_view::npos;
  NumberText out = whole ? whole_text(value.as_integer(), form, renderer) : real_digits(value.as_real(), form, renderer);
  if (form.type >= 'A' && form.type <= 'Z')
    for (std::string* part : {&out.prefix, &out.digits})
      for (char& c : *part)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 0x20);
  return out;
}

}  // namespace rustml::chat
