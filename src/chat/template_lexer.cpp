#include "chat/template_lexer.h"

#include <charconv>

#include "base/utf8.h"
#include "chat/characters.h"
#include "chat/template_error.h"

namespace rustml::chat {
namespace {

using Kind = Token::Kind;
using base::Status;

// Line ends become \n; one at the end of the template goes.
std::string with_plain_lines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_decimal(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_plain_lines(source)) {}

  std::vector<Token> take() {
    while (at_ < source_.size()) read_data();
    add(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  bool sees(std::string_view text) const { return std::string_view(source_).substr(at_).starts_with(text); }
  void move(size_t to) {
    for (; at_ < to; ++at_) line_ += source_[at_] == '\n';
  }
  void add(Kind kind, std::string_view text) { tokens_.push_back({kind, line_, std::string(text)}); }
  [[noreturn]] void fail(const std::string& problem) const { template_error(Status::unimplemented, line_, problem); }
  void skip_blanks() {
    size_t to = at_;
    while (to < source_.size() && is_space(character_at(source_, to))) to += character_bytes(source_, to);
    move(to);
  }

  // Text up to the next tag, and that tag.
  void read_data() {
    size_t tag = at_;
    for (; tag < source_.size(); ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos) tag = source_.size();
      if (tag + 1 < source_.size() && std::string_view("%{#").find(source_[tag + 1]) != std::string_view::npos) break;
    }
    tag = std::min(tag, source_.size());
    std::string_view data = std::string_view(source_).substr(at_, tag - at_);
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const bool line_starting = at_ == 0 || source_[at_ - 1] == '\n';
    if (tag < source_.size()) {
      if (sign == '-') {
        data = without_blanks_behind(data);
      } else if (sign != '+' && source_[tag + 1] != '{') {
        const size_t line = data.rfind('\n') + 1;  // 0: no line end
        if ((line > 0 || line_starting) && without_blanks_behind(data.substr(line)).empty()) data = data.substr(0, line);
      }
    }
    if (!data.empty()) add(Kind::data, data);
    move(tag);
    if (tag == source_.size()) return;
    const char kind = source_[tag + 1];
    move(tag + 2);
    if (sees("-") || sees("+")) move(at_ + 1);
    if (kind == '#') return skip_comment();
    if (kind == '%' && read_raw()) return;
    read_tag(kind == '%');
  }

  void skip_comment() {
    const size_t end = source_.find("#}", at_);
    if (end == std::string::npos) fail("the comment that begins here has no end");
    const char sign = end > at_ ? source_[end - 1] : '\0';
    move(end + 2);
    end_tag(sign, true);
  }

  // What the sign before a tag's end says of the blanks behind it.
  void end_tag(char sign, bool trims_line) {
    if (sign == '-') {
      skip_blanks();
    } else if (trims_line && sign != '+' && sees("\n")) {
      move(at_ + 1);
    }
  }

  // {% raw %} … {% endraw %}: text as it stands.
  bool read_raw() {
    size_t word = at_;
    while (word < source_.size() && is_space(character_at(source_, word))) word += character_bytes(source_, word);
    if (source_.compare(word, 3, "raw") != 0) return false;
    size_t close = word + 3;
    while (close < source_.size() && is_space(character_at(source_, close))) close += character_bytes(source_, close);
    const bool strips = source_.compare(close, 3, "-%}") == 0;
    if (!strips && source_.compare(close, 2, "%}") != 0) return false;
    move(close + (strips ? 3 : 2));
    if (strips) skip_blanks();
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 2)) {
      size_t i = tag + 2;
      const char begin_sign = i < source_.size() ? source_[i] : '\0';
      if (begin_sign == '-' || begin_sign == '+') ++i;
      while (i < source_.size() && is_space(character_at(source_, i))) i += character_bytes(source_, i);
      if (source_.compare(i, 6, "endraw") != 0) continue;
      i += 6;
      while (i < source_.size() && is_space(character_at(source_, i))) i += character_bytes(source_, i);
      const char end_sign = i < source_.size() && (source_[i] == '-' || source_[i] == '+') ? source_[i++] : '\0';
      if (source_.compare(i, 2, "%}") != 0) continue;
      std::string_view data = std::string_view(source_).substr(at_, tag - at_);
      if (begin_sign == '-') {
        data = without_blanks_behind(data);
      } else if (begin_sign != '+') {
        const size_t line = data.rfind('\n') + 1;
        if ((line > 0 || source_[at_ - 1] == '\n') && without_blanks_behind(data.substr(line)).empty()) data = data.substr(0, line);
      }
      if (!data.empty()) add(Kind::data, data);
      move(i + 2);
      end_tag(end_sign, true);
      return true;
    }
    fail("{% raw %} has no {% endraw %}");
  }

  void read_tag(bool block) {
    const std::string_view close = block ? "%}" : "}}";
    const int line = line_;
    add(block ? Kind::block_begin : Kind::output_begin, "");
    std::string open;  // brackets
    for (;;) {
      skip_blanks();
      if (at_ >= source_.size()) template_error(Status::unimplemented, line, block ? "{% has no %}" : "{{ has no }}");
      if (open.empty()) {
        const char c = source_[at_];
        const bool sign = (c == '-' || (block && c == '+')) && std::string_view(source_).substr(at_ + 1).starts_with(close);
        if (sign || sees(close)) {
          add(block ? Kind::block_end : Kind::output_end, "");
          move(at_ + close.size() + (sign ? 1 : 0));
          return end_tag(sign ? c : '\0', block);
        }
      }
      read_token(open);
    }
  }

  void read_token(std::string& open) {
    const char c = source_[at_];
    if (begins_name(c)) {
      size_t end = at_;
      while (end < source_.size() && (begins_name(source_[end]) || is_decimal(source_[end]))) ++end;
      add(Kind::name, source_.substr(at_, end - at_));
      return move(end);
    }
    if (is_decimal(c)) return read_number();
    if (c == '\'' || c == '"') return read_text(c);
    for (const std::string_view symbol : {"//", "**", "==", "!=", ">=", "<="}) {
      if (!sees(symbol)) continue;
      add(Kind::symbol, symbol);
      return move(at_ + 2);
    }
    if (std::string_view("+-/*%~[](){}<>=.:|,").find(c) == std::string_view::npos)
      fail(base::quoted(source_.substr(at_, character_bytes(source_, at_))) + " is no part of an expression");
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) fail(std::string("unexpected ") + base::quoted(std::string_view(&c, 1)));
      open.pop_back();
    }
    add(Kind::symbol, std::string_view(&c, 1));
    move(at_ + 1);
  }

  // 12, 1_000, 0x1F, 0b1, 0o7, 1.5, 1e3.
  void read_number() {
    const std::string_view rest = std::string_view(source_).substr(at_);
    const char letter = rest.size() > 2 && rest[0] == '0' ? static_cast<char>(rest[1] | 0x20) : '\0';
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    size_t end = base == 10 ? 0 : 2;
    bool real = false;
    std::string digits;
    for (; end < rest.size(); ++end) {
      const char c = rest[end], next = end + 1 < rest.size() ? rest[end + 1] : '\0';
      if (c == '_' && next != '_') continue;
      if (base == 10 && !real && c == '.' && is_decimal(next)) {
        real = true;
      } else if (base == 10 && (c | 0x20) == 'e' &&
                 (is_decimal(next) || ((next == '-' || next == '+') && end + 2 < rest.size() && is_decimal(rest[end + 2])))) {
        real = true;
        digits += 'e';
        if (!is_decimal(next)) {
          if (next == '-') digits += '-';
          ++end;
        }
        continue;
      } else if (!is_decimal(c) && !(base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')) {
        break;
      }
      digits += c;
    }
    Token token{real ? Kind::real : Kind::integer, line_, std::string(rest.substr(0, end))};
    const auto read = real ? std::from_chars(digits.data(), digits.data() + digits.size(), token.real).ec
                           : std::from_chars(digits.data(), digits.data() + digits.size(), token.integer, base).ec;
    if (read != std::errc()) fail("the number " + base::quoted(rest.substr(0, end)) + " is too large");
    tokens_.push_back(std::move(token));
    move(at_ + end);
  }

  void read_text(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail("the text that begins here has no end");
    add(Kind::text, unescaped(source_.substr(at_ + 1, end - at_ - 1)));
    move(end + 1);
  }

  // Escapes of Python's string literals; an unknown one stays as it is.
  std::string unescaped(std::string_view text) const {
    constexpr std::string_view kLetters = "\\'\"abfnrtv", kValues = "\\'\"\a\b\f\n\r\t\v";
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 >= text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      const size_t known = kLetters.find(c), width = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
      if (c == '\n') continue;
      if (known != std::string_view::npos) {
        out += kValues[known];
      } else if (width > 0) {
        uint32_t code = 0;
        const char* begin = text.data() + i + 1;
        if (i + width >= text.size()) fail("the escape at the end of a text is cut");
        if (std::from_chars(begin, begin + width, code, 16).ptr != begin + width || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
          fail("the escape \\" + std::string(text.substr(i, width + 1)) + " is no character");
        base::append_utf8(out, code);
        i += width;
      } else if (c >= '0' && c <= '7') {
        uint32_t code = 0;
        size_t n = 0;
        for (; n < 3 && i + n < text.size() && text[i + n] >= '0' && text[i + n] <= '7'; ++n)
          code = code * 8 + static_cast<uint32_t>(text[i + n] - '0');
        base::append_utf8(out, code);
        i += n - 1;
      } else if (c == 'N') {
        fail("\\N{…} in a text is not supported");
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  const std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> cut(std::string_view source) { return Lexer(source).take(); }

}  // namespace rustml::chat
