#include "tokenizer/stream_decoder.h"

#include "base/utf8.h"

namespace rustml::tokenizer {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Whether `byte` may be the second byte after `lead` (table 3-7: no overlong forms, no surrogates, at most U+10FFFF).
bool may_follow(unsigned char lead, unsigned char byte) {
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return byte >= low && byte <= high;
}

}  // namespace

void StreamDecoder::push(std::string_view bytes, std::string& text) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (n_pending_ > 0) {
      if (n_pending_ == 1 ? may_follow(pending_[0], byte) : (byte & 0xC0) == 0x80) {
        pending_[n_pending_++] = byte;
        if (n_pending_ == static_cast<uint32_t>(base::utf8_length(pending_[0]))) {
          text.append(reinterpret_cast<const char*>(pending_), n_pending_);
          n_pending_ = 0;
        }
        continue;
      }
      finish(text);  // what was held back is a maximal ill-formed part; this byte begins anew
    }
    const int length = base::utf8_length(byte);
    if (length == 1) {
      text += c;
    } else if (length == 0) {
      text += kReplacement;
      ++invalid_;
    } else {
      pending_[0] = byte;
      n_pending_ = 1;
    }
  }
}

void StreamDecoder::finish(std::string& text) {
  if (n_pending_ == 0) return;
  text += kReplacement;
  ++invalid_;
  n_pending_ = 0;
}

}  // namespace rustml::tokenizer
