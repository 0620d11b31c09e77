// Strict JSON (RFC 8259), one token at a time: nothing is built, so memory does not grow with the text. Refused: invalid
// UTF-8, lone surrogates, control characters in strings, anything after the value, depth over 64, over 8 Mi values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rustml::base {

enum class JsonToken : uint8_t { begin_object, end_object, begin_array, end_array, key, string, number, boolean, null, end };

class JsonScanner {
 public:
  static constexpr size_t kMaxDepth = 64, kMaxValues = size_t{8} << 20;

  // Both views must outlive the scanner. Every fault is an Error: "<what>: <problem> at byte <offset>", of depth and number of values
  // with the status `limit`.
  JsonScanner(std::string_view text, std::string_view what, Status fault = Status::invalid_argument,
              Status limit = Status::invalid_argument);
  JsonToken next();                                       // after `end`, `end` again
  size_t depth() const noexcept { return open_.size(); }  // of the arrays and objects that are open
  size_t offset() const noexcept { return token_at_; }
  const std::string& string() const noexcept { return string_; }                                 // decoded, of key and string
  std::string_view number() const noexcept { return text_.substr(token_at_, at_ - token_at_); }  // as written
  bool boolean() const noexcept { return boolean_; }
  [[noreturn]] void fail_at(size_t offset, std::string_view problem) const { fail_at(offset, problem, fault_); }
  [[noreturn]] void fail_at(size_t offset, std::string_view problem, Status status) const;

 private:
  enum class Expect : uint8_t { value, first_item, first_key, key, after_value };

  char peek() const;  // fails at the end of the text
  void skip_blanks() noexcept;
  JsonToken open(char bracket);
  JsonToken close();
  JsonToken read_key();
  JsonToken read_value();
  void read_word(std::string_view word);
  void read_string();
  void read_escape();
  uint32_t read_hex4();
  void read_number();
  void read_digits();

  std::string_view text_, what_;
  Status fault_, limit_;
  size_t at_ = 0, token_at_ = 0, values_ = 0;
  std::vector<char> open_;  // '{' or '[' of each enclosing value
  Expect expect_ = Expect::value;
  bool boolean_ = false;
  std::string string_;
};

}  // namespace rustml::base
