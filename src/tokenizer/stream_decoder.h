// Bytes in, complete UTF-8 out: holds back at most the 3 bytes of an unfinished character. Invalid bytes become U+FFFD,
// one per maximal ill-formed part (Unicode 15, section 3.9), and are counted.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace rustml::tokenizer {

class StreamDecoder {
 public:
  // Appends to `text` what became complete.
  void push(std::string_view bytes, std::string& text);
  // The end: what is still held back is ill-formed.
  void finish(std::string& text);
  uint64_t invalid_count() const noexcept { return invalid_; }

 private:
  unsigned char pending_[4] = {};
  uint32_t n_pending_ = 0;
  uint64_t invalid_ = 0;
};

}  // namespace rustml::tokenizer
