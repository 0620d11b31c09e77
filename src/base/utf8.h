// UTF-8 by the Unicode standard, table 3-7: no overlong forms, no surrogates, at most U+10FFFF.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rustml::base {

constexpr size_t kValidUtf8 = SIZE_MAX;
// Offset of the first byte that is not part of a well-formed character; kValidUtf8 if there is none.
size_t utf8_error(std::string_view text) noexcept;
// Bytes of the character that begins with `lead` (1 to 4); 0 if no character does.
int utf8_length(unsigned char lead) noexcept;
// Appends the character that `text` begins with, as \xNN where it is a control character or no valid one; returns the bytes of it.
size_t append_printable(std::string& out, std::string_view text);

inline void append_utf8(std::string& out, uint32_t c) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      add(0xE0 | c >> 12);
    } else {
      add(0xF0 | c >> 18);
      add(0x80 | (c >> 12 & 0x3F));
    }
    add(0x80 | (c >> 6 & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

}  // namespace rustml::base
