#include "cli/word_wrap.h"

#include <algorithm>
#include <iterator>

#include "base/utf8.h"

namespace rustml::cli {
namespace {

struct Characters {
  char32_t first, last;
};

// In order. From Unicode 14: categories Mn, Me and Cf, and the last parts of Hangul syllables.
constexpr Characters kZero[] = {{0x300, 0x36F},   {0x483, 0x489},     {0x591, 0x5BD},    {0x610, 0x61A},   {0x64B, 0x65F},
                                {0x6D6, 0x6DD},   {0x93C, 0x93C},     {0x941, 0x948},    {0x94D, 0x94D},   {0xE31, 0xE31},
                                {0xE34, 0xE3A},   {0xE47, 0xE4E},     {0x1160, 0x11FF},  {0x200B, 0x200F}, {0x202A, 0x202E},
                                {0x2060, 0x2064}, {0x20D0, 0x20F0},   {0x3099, 0x309A},  {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
                                {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF}, {0xE0001, 0xE01EF}};
// East Asian width W and F, emoji in blocks.
constexpr Characters kWide[] = {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2614, 0x2615},   {0x2648, 0x2653},
                                {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26F2, 0x26F5},   {0x2705, 0x2705},
                                {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274E},   {0x2753, 0x2757},   {0x2795, 0x2797},
                                {0x2B1B, 0x2B1C},   {0x2B50, 0x2B55},   {0x2E80, 0x303E},   {0x3041, 0xA4C6},   {0xA960, 0xA97C},
                                {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6B},   {0xFF01, 0xFF60},
                                {0xFFE0, 0xFFE6},   {0x16FE0, 0x1B2FB}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F64F}, {0x1F680, 0x1F6FC},
                                {0x1F7E0, 0x1F7F0}, {0x1F90C, 0x1F9FF}, {0x1FA70, 0x1FAF6}, {0x20000, 0x3134A}};

constexpr std::u32string_view kClosing = U"\u3001\u3002\u3009\u300B\u300D\u300F\u3011\uFF01\uFF09\uFF0C\uFF0E\uFF1A\uFF1B\uFF1F";

template <size_t n>
bool among(const Characters (&ranges)[n], char32_t c) {
  const auto* after =
      std::upper_bound(std::begin(ranges), std::end(ranges), c, [](char32_t x, const Characters& r) { return x < r.first; });
  return after != std::begin(ranges) && c <= (after - 1)->last;
}

char32_t code_point(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]);
  char32_t c = static_cast<unsigned char>(character[0]) & (0x7Fu >> character.size());
  for (const char byte : character.substr(1)) c = c << 6 | (static_cast<unsigned char>(byte) & 0x3Fu);
  return c;
}

}  // namespace

int character_columns(char32_t c) noexcept {
  if (c < 0x300) return 1;
  return among(kZero, c) ? 0 : among(kWide, c) ? 2 : 1;
}

void WordWrap::place_word(std::string& out) {
  if (word_.empty()) return;
  if (column_ > 0 && column_ + blanks_.size() + word_columns_ > columns_) {
    out += '\n';
    column_ = 0;
  } else {
    out += blanks_;
    column_ += blanks_.size();
  }
  out += word_;
  column_ += word_columns_;
  blanks_.clear();
  word_.clear();
  word_columns_ = 0;
}

std::string WordWrap::add(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto length = static_cast<size_t>(std::max(1, base::utf8_length(static_cast<unsigned char>(text[0]))));
    const std::string_view character = text.substr(0, length);
    text.remove_prefix(character.size());
    if (character == "\n" || character == " ") {
      place_word(out);
      if (character == " ") {
        blanks_ += ' ';
        continue;
      }
      out += '\n';
      blanks_.clear();
      column_ = 0;
      after_wide_ = false;
      continue;
    }
    const char32_t c = code_point(character);
    const auto columns = static_cast<size_t>(character_columns(c));
    const bool breaks = columns > 0 && (columns == 2 || after_wide_) && kClosing.find(c) == kClosing.npos;
    if (breaks || word_columns_ + columns > columns_) place_word(out);  // a word that fills a line by itself is cut
    word_ += character;
    word_columns_ += columns;
    if (columns > 0) after_wide_ = columns == 2;
  }
  return out;
}

std::string WordWrap::end() {
  std::string out;
  place_word(out);
  blanks_.clear();
  column_ = 0;
  return out;
}

}  // namespace rustml::cli
