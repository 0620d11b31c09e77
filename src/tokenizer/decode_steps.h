// The decoder of a tokenizer.json: steps that turn a list of tokens into text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace rustml::tokenizer {

class DecodeSteps {
 public:
  DecodeSteps() = default;  // no decoder: tokens joined with blanks
  // Sequence, Replace (of a String), ByteFallback, Fuse, ByteLevel, Strip, Metaspace; others are unimplemented, by name.
  explicit DecodeSteps(const base::Json& json);

  // What the tokens say as a whole text. Bytes that are no UTF-8 stay as they are after ByteLevel; ByteFallback makes each
  // byte of such a run U+FFFD.
  std::string text(std::vector<std::string> tokens) const;
  // Bytes of one token in the middle of a text. resource_exhausted if they are far longer than the token.
  std::string bytes(std::string_view token) const;

 private:
  // In the order of the constructor.
  enum class Kind : unsigned char { replace, byte_fallback, fuse, byte_level, strip, metaspace };
  struct Step {
    Kind kind;
    std::string pattern;           // replace; metaspace and strip: one character
    std::string content;           // replace
    bool drops_first = false;      // metaspace: not written in the first token
    uint64_t start = 0, stop = 0;  // strip: at most so many
  };
  std::vector<Step> steps_;
  const char* between_ = " ";
};

// The byte of "<0xNN>", -1 for any other text.
int fallback_byte(std::string_view token);

}  // namespace rustml::tokenizer
