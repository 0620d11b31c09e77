#include "tokenizer/oniguruma.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/error.h"
#include "tokenizer/code_points.h"
#include "tokenizer/pretokenize_ranges.h"

namespace rustml::tokenizer {
namespace {

constexpr std::string_view kBlanks =
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";
// All others. A surrogate never occurs, and PCRE2 does not want it named.
constexpr std::string_view kNoBlanks =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}\\x{e000}-\\x{10ffff}";

constexpr std::array<std::string_view, 37> kCategories = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl",
                                                          "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk",
                                                          "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Cs", "Co", "Cn"};

std::string code_point(uint32_t c) {
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, c, 16).ptr;
  return "\\x{" + std::string(digits, end) + "}";
}

std::string category(std::string_view name) {
  std::string out = "\\p{" + std::string(name) + "}";
  for (const NewerRange& range : kNewerRanges) {
    if (std::string_view(range.category).starts_with(name)) out += code_point(range.first) + "-" + code_point(range.last);
  }
  return out;
}

std::string word_characters(bool in_class) {
  std::string out;
  for (const std::string_view name : {"L", "M", "Nd", "Nl", "Pc"}) out += category(name);
  return out + kMoreWordCharacters + (in_class ? "" : kMoreLoneWordCharacters);
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    if (pattern_.starts_with("(?i)")) {
      at_ = 4;
      out_ = "(?i)";
    }
    while (more()) part();
    return std::move(out_);
  }

 private:
  // One class of characters or one character, as written by an escape or a literal.
  struct Item {
    std::string members;   // inside a class
    bool negated = false;  // all but the members
    bool single = false;
    uint32_t c = 0;  // single
  };

  bool more() const { return at_ < pattern_.size(); }
  bool next_is(std::string_view wanted) const { return pattern_.substr(at_).starts_with(wanted); }
  bool take(std::string_view wanted) {
    if (!next_is(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  [[noreturn]] void refuse(const char* what) const {
    base::fail(base::Status::unimplemented, "tokenizer.json: the pattern " + base::quoted(pattern_) + " has " + what + " before byte " +
                                                std::to_string(at_) + ", which is not supported");
  }

  void part() {
    if (take("(")) return group();
    if (take("[")) {
      out_ += character_class();
    } else if (take("\\b")) {
      const std::string w = "[" + word_characters(false) + "]";
      out_ += "(?:(?<=" + w + ")(?!" + w + ")|(?<!" + w + ")(?=" + w + "))";
    } else if (next_is("\\A") || next_is("\\z") || next_is("\\Z")) {
      out_ += pattern_.substr(at_, 2);
      at_ += 2;
    } else if (take("{")) {
      interval();
    } else if (std::string_view("|)^$.*+?").find(pattern_[at_]) != std::string_view::npos) {
      out_ += pattern_[at_++];
    } else {
      const Item item = read_item(false);
      if (item.single) {
        out_ += literal(item.c);
      } else {
        out_ += (item.negated ? "[^" : "[") + item.members + "]";
      }
    }
  }

  void group() {
    if (!next_is("?")) {
      out_ += "(?:";
      return;
    }
    for (const std::string_view kind : {"?:", "?=", "?!", "?<=", "?<!", "?>", "?i:", "?-i:"}) {
      if (take(kind)) {
        (out_ += "(") += kind;
        return;
      }
    }
    refuse("a group of an unknown kind");
  }

  // After "{": {n}, {n,}, {,m}, {n,m}; else it is a literal brace.
  void interval() {
    const size_t close = pattern_.find('}', at_);
    const std::string_view inside = pattern_.substr(at_, close == std::string_view::npos ? 0 : close - at_);
    const size_t comma = inside.find(',');
    const auto is_number = [](std::string_view s) { return s.size() <= 6 && s.find_first_not_of("0123456789") == std::string_view::npos; };
    const std::string_view low = inside.substr(0, comma), high = comma == std::string_view::npos ? "" : inside.substr(comma + 1);
    if (inside.empty() || inside == "," || !is_number(low) || !is_number(high)) {
      out_ += "\\{";
      return;
    }
    at_ = close + 1;
    (out_ += "{").append(low.empty() ? "0" : low);
    if (comma != std::string_view::npos) (out_ += ",").append(high);
    out_ += "}";
    // PCRE2 takes "{n,m}+" for possessive and "{n}?" for lazy, Oniguruma for repetitions of the repetition.
    if (more() && (pattern_[at_] == '+' || (pattern_[at_] == '?' && comma == std::string_view::npos))) refuse("a suffix of an interval");
  }

  std::string character_class() {
    std::string out = take("^") ? "[^" : "[";
    if (take("]")) refuse("an empty class");
    for (bool first = true; !take("]"); first = false) {
      if (!more()) refuse("a class without its end");
      if (pattern_[at_] == '[') refuse("a class inside a class");
      if (next_is("&&")) refuse("an intersection of classes");
      const size_t begin = at_;
      const Item item = read_item(true);
      const bool dash = item.single && item.c == '-' && pattern_[begin] == '-';
      if (dash && !first && !next_is("]")) refuse("a dash of unclear meaning");
      if (item.negated) {
        if (item.members != kBlanks) refuse("a negated class inside a class");
        out += kNoBlanks;
      } else if (item.single && !dash && next_is("-") && !next_is("-]")) {
        ++at_;
        if (!more() || pattern_[at_] == '[') refuse("a range without its end");
        const Item last = read_item(true);
        if (!last.single || last.negated || last.c < item.c) refuse("a range that is none");
        out += item.members + "-" + last.members;
      } else {
        out += item.members;
      }
    }
    return out + "]";
  }

  static std::string literal(uint32_t c) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return plain ? std::string(1, static_cast<char>(c)) : code_point(c);
  }

  static Item single(uint32_t c) { return {literal(c), false, true, c}; }

  Item read_item(bool in_class) {
    if (!take("\\")) return single(next_code_point(pattern_, at_));
    if (!more()) refuse("a backslash at its end");
    const uint32_t c = next_code_point(pattern_, at_);
    constexpr std::string_view kLetters = "tnvfrae", kMeaning = "\t\n\v\f\r\a\x1B";
    if (const size_t i = c < 0x80 ? kLetters.find(static_cast<char>(c)) : kLetters.npos; i != kLetters.npos)
      return single(static_cast<uint32_t>(kMeaning[i]));
    switch (c) {
      case 'p':
      case 'P': return property(c == 'P');
      case 's':
      case 'S': return {std::string(kBlanks), c == 'S', false, 0};
      case 'd':
      case 'D': return {category("Nd"), c == 'D', false, 0};
      case 'w':
      case 'W': return {word_characters(in_class), c == 'W', false, 0};
      case 'h':
      case 'H': return {"0-9a-fA-F", c == 'H', false, 0};
      case 'x': return number(take("{") ? 0 : 2);
      case 'u': return number(4);
      default:
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) refuse("an escape of unknown meaning");
        return single(c);
    }
  }

  Item property(bool negated) {
    if (!take("{")) refuse("a property without its name");
    if (take("^")) negated = !negated;
    const size_t close = pattern_.find('}', at_);
    const std::string_view name = pattern_.substr(at_, close == std::string_view::npos ? 0 : close - at_);
    if (std::find(kCategories.begin(), kCategories.end(), name) == kCategories.end()) refuse("a property that is no general category");
    if (name.starts_with('C') && name != "Cc") refuse("a property that depends on the version of Unicode");
    at_ = close + 1;
    return {category(name), negated, false, 0};
  }

  // n_digits hexadecimal digits; 0: up to the closing brace.
  Item number(size_t n_digits) {
    const size_t close = n_digits == 0 ? pattern_.find('}', at_) : at_ + n_digits;
    if (close == std::string_view::npos || close > pattern_.size()) refuse("a character's number without its end");
    uint32_t c = 0;
    const char* begin = pattern_.data() + at_;
    const char* end = pattern_.data() + close;
    const auto read = std::from_chars(begin, end, c, 16);
    if (read.ec != std::errc() || read.ptr != end || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
      refuse("a number that is no character's");
    if (n_digits == 2 && c >= 0x80) refuse("a single byte of a character");
    at_ = close + (n_digits == 0 ? 1 : 0);
    return single(c);
  }

  std::string_view pattern_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string pcre2_pattern(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace rustml::tokenizer
