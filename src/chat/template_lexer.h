// A chat template cut into tokens, as Jinja 3.1 cuts them with trim_blocks and lstrip_blocks (https://jinja.palletsprojects.com,
// "Whitespace Control"): blanks that the tags' signs take away are gone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rustml::chat {

struct Token {
  enum class Kind : uint8_t { data, block_begin, block_end, output_begin, output_end, name, text, integer, real, symbol, end };
  Kind kind;
  int line;          // from 1
  std::string text;  // of a text: its value
  int64_t integer = 0;
  double real = 0;
};

// The last token is `end`. Errors name the line.
std::vector<Token> cut(std::string_view source);

}  // namespace rustml::chat
