#include "base/json_scanner.h"

#include "base/ascii.h"
#include "base/utf8.h"

namespace rustml::base {

JsonScanner::JsonScanner(std::string_view text, std::string_view what, Status fault, Status limit)
    : text_(text), what_(what), fault_(fault), limit_(limit) {
  if (const size_t at = utf8_error(text_); at != kValidUtf8) fail_at(at, "invalid UTF-8");
}

void JsonScanner::fail_at(size_t offset, std::string_view problem, Status status) const {
  fail(status, std::string(what_) + ": " + std::string(problem) + " at byte " + std::to_string(offset));
}

char JsonScanner::peek() const {
  if (at_ == text_.size()) fail_at(at_, "the JSON text ends too early");
  return text_[at_];
}

void JsonScanner::skip_blanks() noexcept {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
}

JsonToken JsonScanner::next() {
  skip_blanks();
  token_at_ = at_;
  if (expect_ == Expect::after_value) {
    if (open_.empty()) {
      if (at_ != text_.size()) fail_at(at_, "text after the JSON value");
      return JsonToken::end;
    }
    const bool in_object = open_.back() == '{';
    const char c = peek();
    if (c == (in_object ? '}' : ']')) return close();
    if (c != ',') fail_at(at_, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
    ++at_;
    skip_blanks();
    expect_ = in_object ? Expect::key : Expect::value;
  }
  token_at_ = at_;
  const char c = peek();
  if ((expect_ == Expect::first_key && c == '}') || (expect_ == Expect::first_item && c == ']')) return close();
  return expect_ == Expect::first_key || expect_ == Expect::key ? read_key() : read_value();
}

JsonToken JsonScanner::open(char bracket) {
  if (open_.size() == kMaxDepth) fail_at(at_, "values are nested deeper than " + std::to_string(kMaxDepth), limit_);
  open_.push_back(bracket);
  ++at_;
  expect_ = bracket == '{' ? Expect::first_key : Expect::first_item;
  return bracket == '{' ? JsonToken::begin_object : JsonToken::begin_array;
}

JsonToken JsonScanner::close() {
  const bool object = open_.back() == '{';
  open_.pop_back();
  ++at_;
  expect_ = Expect::after_value;
  return object ? JsonToken::end_object : JsonToken::end_array;
}

JsonToken JsonScanner::read_key() {
  if (peek() != '"') fail_at(at_, "expected a key in double quotes");
  read_string();
  skip_blanks();
  if (peek() != ':') fail_at(at_, "expected ':' after the key");
  ++at_;
  expect_ = Expect::value;
  return JsonToken::key;
}

JsonToken JsonScanner::read_value() {
  if (++values_ > kMaxValues) fail_at(at_, "more than " + std::to_string(kMaxValues) + " values", limit_);
  const char c = peek();
  if (c == '{' || c == '[') return open(c);
  expect_ = Expect::after_value;
  switch (c) {
    case '"': read_string(); return JsonToken::string;
    case 't':
    case 'f':
      boolean_ = c == 't';
      read_word(boolean_ ? "true" : "false");
      return JsonToken::boolean;
    case 'n': read_word("null"); return JsonToken::null;
    default:
      if (c != '-' && !is_digit(c)) fail_at(at_, "expected a JSON value");
      read_number();
      return JsonToken::number;
  }
}

void JsonScanner::read_word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) fail_at(at_, "expected true, false or null");
  at_ += word.size();
}

void JsonScanner::read_string() {
  string_.clear();
  ++at_;
  while (true) {
    const size_t run = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20) ++at_;
    string_.append(text_, run, at_ - run);
    const char c = peek();
    if (c == '"') break;
    if (c != '\\') fail_at(at_, "a control character inside a string (write it as \\u00NN)");
    read_escape();
  }
  ++at_;
}

void JsonScanner::read_escape() {
  const size_t begin = at_++;
  const char c = peek();
  ++at_;
  static constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  if (const size_t i = kEscapes.find(c); i != kEscapes.npos) {
    string_ += kMeanings[i];
    return;
  }
  if (c != 'u') fail_at(begin, "an unknown escape inside a string");
  uint32_t code = read_hex4();
  if (code >= 0xD800 && code <= 0xDFFF) {
    if (code >= 0xDC00 || text_.substr(at_, 2) != "\\u") fail_at(begin, "a surrogate without its partner");
    at_ += 2;
    const uint32_t low = read_hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail_at(begin, "a surrogate without its partner");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(string_, code);
}

uint32_t JsonScanner::read_hex4() {
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = peek();
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!letter && !is_digit(c)) fail_at(at_, "expected a hexadecimal digit");
    code = code * 16 + static_cast<uint32_t>(letter ? (c | 0x20) - 'a' + 10 : c - '0');
  }
  return code;
}

void JsonScanner::read_digits() {
  if (!is_digit(peek())) fail_at(at_, "expected a digit");
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
}

void JsonScanner::read_number() {
  if (text_[at_] == '-') ++at_;
  const size_t first = at_;
  read_digits();
  if (text_[first] == '0' && at_ - first > 1) fail_at(first, "a number with a leading zero");
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    read_digits();
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    read_digits();
  }
}

}  // namespace rustml::base
