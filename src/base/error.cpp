#include "base/error.h"

#include <utility>

#include "base/utf8.h"

namespace rustml::base {

Error::Error(Status status, std::string message, std::string detail_json, int32_t callback_value)
    : status_(status), callback_value_(callback_value), message_(std::move(message)), detail_json_(std::move(detail_json)) {}

void fail(Status status, std::string message, std::string detail_json) { throw Error(status, std::move(message), std::move(detail_json)); }

std::string quoted(std::string_view text) {
  constexpr size_t kMax = 80;
  std::string out = "\"";
  size_t i = 0;
  while (i < text.size() && i < kMax) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t n = static_cast<size_t>(utf8_length(lead));
    const bool printable = lead >= 0x20 && lead != 0x7F && n > 0 && i + n <= text.size() && utf8_error(text.substr(i, n)) == kValidUtf8;
    if (printable) {
      if (lead == '"' || lead == '\\') out += '\\';
      out += text.substr(i, n);
      i += n;
    } else {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "\\x";
      out += kHex[lead >> 4];
      out += kHex[lead & 15];
      ++i;
    }
  }
  return out + (i < text.size() ? "\"..." : "\"");
}

}  // namespace rustml::base
