// Breaks the lines of an answer at words, as it streams to a terminal.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace rustml::cli {

// Columns that a character takes on a terminal: 0 for marks that join the one before, 2 for East Asian wide characters and emoji. The
// table knows the common scripts; where it errs, a line is a column shorter or longer than it could be.
int character_columns(char32_t c) noexcept;

// Text comes in pieces of complete UTF-8. A word is held back until its end is known. Lines may also break beside a wide
// character, but not before closing punctuation. A word
// longer than a line is broken where the line ends.
class WordWrap {
 public:
  explicit WordWrap(size_t columns) : columns_(columns) {}  // at least 2
  std::string add(std::string_view text);                   // what can be shown now
  std::string end();                                        // the word held back

 private:
  void place_word(std::string& out);

  size_t columns_;
  size_t column_ = 0;          // where the next character goes
  std::string blanks_, word_;  // held back, in this order
  size_t word_columns_ = 0;
  bool after_wide_ = false;  // the last character is a wide one
};

}  // namespace rustml::cli
