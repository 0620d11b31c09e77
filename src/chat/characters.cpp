#include "chat/characters.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "tokenizer/code_points.h"

namespace rustml::chat {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

// Capital letters of one character that become two (Unicode's SpecialCasing; the ones that occur in running text).
std::string_view special_upper(char32_t c) {
  switch (c) {
    case 0xDF: return "SS";
    case 0x149: return "\xCA\xBCN";
    case 0xFB00: return "FF";
    case 0xFB01: return "FI";
    case 0xFB02: return "FL";
    case 0xFB03: return "FFI";
    case 0xFB04: return "FFL";
    case 0xFB05:
    case 0xFB06: return "ST";
    default: return {};
  }
}

std::string character_in_case(char32_t c, Case to) {
  std::string out;
  const auto code = static_cast<utf8proc_int32_t>(c);
  if (to != Case::lower && !special_upper(c).empty()) {
    std::string letters(special_upper(c));
    for (size_t i = 1; to == Case::title && c != 0x149 && i < letters.size(); ++i) letters[i] = static_cast<char>(letters[i] | 0x20);
    return letters;
  }
  if (to == Case::lower && c == 0x130) return "i\xCC\x87";
  const utf8proc_int32_t mapped = to == Case::lower   ? utf8proc_tolower(code)
                                  : to == Case::upper ? utf8proc_toupper(code)
                                                      : utf8proc_totitle(code);
  base::append_utf8(out, static_cast<uint32_t>(mapped));
  return out;
}

}  // namespace

char32_t character_at(std::string_view text, size_t at) noexcept { return tokenizer::next_code_point(text, at); }

size_t character_bytes(std::string_view text, size_t at) noexcept {
  size_t next = at;
  tokenizer::next_code_point(text, next);
  return next - at;
}

size_t count_characters(std::string_view text) noexcept {
  size_t n = 0;
  for (const char byte : text) n += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  return n;
}

size_t byte_of_character(std::string_view text, size_t n) noexcept {
  size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += character_bytes(text, at);
  return at;
}

bool is_space(char32_t c) noexcept { return tokenizer::is_blank(c) || (c >= 0x1C && c <= 0x1F); }

bool is_printable(char32_t c) noexcept {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return true;
  }
}

bool is_alphabetic(char32_t c) noexcept {
  const utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}
bool is_digit(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_numeric(char32_t c) noexcept {
  const utf8proc_category_t kind = category(c);
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL || kind == UTF8PROC_CATEGORY_NO;
}
bool is_title(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_LT; }
bool is_upper(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_LU; }
bool is_lower(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_LL; }

Text in_case(const Text& text, Case to) {
  Text out;
  const std::string& bytes = text.bytes();
  const char first = to == Case::lower ? 'A' : 'a';
  for (size_t i = 0; i < bytes.size(); i += character_bytes(bytes, i)) {
    const char c = bytes[i];
    if (static_cast<unsigned char>(c) < 0x80) {  // most of them
      const char changed = c >= first && c < first + 26 ? static_cast<char>(c ^ 0x20) : c;
      out.append(std::string_view(&changed, 1), text.origin(i));
      continue;
    }
    out.append(character_in_case(character_at(bytes, i), to), text.origin(i));
  }
  return out;
}

std::string lowered(std::string_view text) { return in_case(Text::of_model(text), Case::lower).bytes(); }

Text stripped(const Text& text, bool left, bool right, const std::string* chars) {
  const std::string& bytes = text.bytes();
  const auto goes = [&](size_t at) {
    const size_t n = character_bytes(bytes, at);
    return chars == nullptr ? is_space(character_at(bytes, at)) : chars->find(bytes.substr(at, n)) != std::string::npos;
  };
  size_t begin = 0, end = bytes.size();
  while (left && begin < end && goes(begin)) begin += character_bytes(bytes, begin);
  while (right && end > begin) {
    const size_t last = tokenizer::previous_character(bytes, end);
    if (!goes(last)) break;
    end = last;
  }
  return text.part(begin, end);
}

std::string_view without_blanks_behind(std::string_view text) noexcept {
  size_t end = text.size();
  while (end > 0) {
    const size_t last = tokenizer::previous_character(text, end);
    if (!is_space(character_at(text, last))) break;
    end = last;
  }
  return text.substr(0, end);
}

}  // namespace rustml::chat
