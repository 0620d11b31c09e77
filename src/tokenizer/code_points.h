// Single characters of valid UTF-8.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace rustml::tokenizer {

// The character at `at`, which moves behind it. at < text.size().
inline uint32_t next_code_point(std::string_view text, size_t& at) noexcept {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  uint32_t c = lead >= 0xF0 ? lead & 7u : lead >= 0xE0 ? lead & 15u : lead & 31u;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
    c = c << 6 | (static_cast<unsigned char>(text[at++]) & 0x3F);
  return c;
}

// Where the character before `at` begins. at > 0.
inline size_t previous_character(std::string_view text, size_t at) noexcept {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

using base::append_utf8;

// White_Space of Unicode; it has not changed since Unicode 6.3.
inline bool is_blank(uint32_t c) noexcept {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Where the blanks that begin at `at` end.
inline size_t end_of_blanks(std::string_view text, size_t at) noexcept {
  for (size_t next = at; next < text.size(); at = next) {
    if (!is_blank(next_code_point(text, next))) break;
  }
  return at;
}

// Where the blanks that end at `at` begin, at `least` or behind it.
inline size_t begin_of_blanks(std::string_view text, size_t at, size_t least) noexcept {
  for (size_t before = at; before > least; at = before) {
    size_t next = before = previous_character(text, before);
    if (!is_blank(next_code_point(text, next))) break;
  }
  return at;
}

inline void append_replaced(std::string& out, std::string_view text, std::string_view pattern, std::string_view content) {
  size_t done = 0;
  for (size_t found; (found = text.find(pattern, done)) != std::string_view::npos; done = found + pattern.size())
    out.append(text, done, found - done).append(content);
  out.append(text, done);
}
inline std::string replaced(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string out;
  append_replaced(out, text, pattern, content);
  return out;
}

}  // namespace rustml::tokenizer
