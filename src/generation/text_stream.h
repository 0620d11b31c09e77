// Token bytes to deliverable text: whole UTF-8 characters only, and nothing that may belong to a stop string.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "generation/stop.h"
#include "tokenizer/stream_decoder.h"

namespace rustml::generation {

class TextStream {
 public:
  explicit TextStream(const std::vector<std::string>& stop_strings) : matcher_(stop_strings) {}

  // What became certain with these bytes; valid until the next call.
  std::string_view push(std::string_view bytes) {
    characters_.clear();
    decoder_.push(bytes, characters_);
    text_.clear();
    matcher_.feed(characters_, text_);
    return text_;
  }
  // What was held back; the end of the text.
  std::string_view finish() {
    characters_.clear();
    decoder_.finish(characters_);
    text_.clear();
    if (!matcher_.feed(characters_, text_)) matcher_.flush(text_);
    return text_;
  }
  bool matched() const noexcept { return matcher_.matched(); }
  uint64_t invalid_count() const noexcept { return decoder_.invalid_count(); }

 private:
  tokenizer::StreamDecoder decoder_;
  StopMatcher matcher_;
  std::string characters_, text_;
};

}  // namespace rustml::generation
