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
    if (text[i] == '"' || text[i] == '\\') out += '\\';
    i += append_printable(out, text.substr(i));
  }
  return out + (i < text.size() ? "\"..." : "\"");
}

}  // namespace rustml::base
