// Well-formed UTF-8 after the Unicode standard, table 3-7:
//   lead 00..7F                                  | second byte
//   C2..DF  1 continuation                       | 80..BF
//   E0..EF  2 continuations                      | E0: A0..BF (overlong), ED: 80..9F (surrogates), else 80..BF
//   F0..F4  3 continuations                      | F0: 90..BF (overlong), F4: 80..8F (over U+10FFFF), else 80..BF
#include "base/utf8.h"

#include <cstring>

namespace rustml::base {

int utf8_length(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

size_t utf8_error(std::string_view text) noexcept {
  const size_t n = text.size();
  size_t i = 0;
  while (i < n) {
    uint64_t eight;
    if (n - i >= 8 && (std::memcpy(&eight, text.data() + i, 8), (eight & 0x8080808080808080u) == 0)) {  // eight ASCII bytes at once
      i += 8;
      continue;
    }
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto length = static_cast<size_t>(utf8_length(lead));
    if (length == 0 || n - i < length) return i;
    for (size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      unsigned char low = 0x80, high = 0xBF;
      if (k == 1) {
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
      }
      if (byte < low || byte > high) return i;
    }
    i += length;
  }
  return kValidUtf8;
}

size_t append_printable(std::string& out, std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const auto n = static_cast<size_t>(utf8_length(lead));
  if (lead >= 0x20 && lead != 0x7F && n > 0 && n <= text.size() && utf8_error(text.substr(0, n)) == kValidUtf8) {
    out += text.substr(0, n);
    return n;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  out.append({'\\', 'x', kHex[lead >> 4], kHex[lead & 15]});
  return 1;
}

}  // namespace rustml::base
