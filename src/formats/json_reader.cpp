#include "formats/json_reader.h"

#include <algorithm>
#include <charconv>

namespace rustml::formats {
namespace {

using base::JsonToken;
using base::Status;

constexpr size_t kPollTokens = 4096;
constexpr uint64_t kPieceBytes = 1 << 20;

}  // namespace

JsonReader::JsonReader(std::string_view text, std::string_view what, runtime::Call& call)
    : call_(call), scanner_(text, what, Status::data_loss, Status::resource_exhausted) {
  call_.stop.check("model load");
}

void JsonReader::limit(uint64_t value, uint64_t most, const char* what) const {
  if (value > most)
    fail(std::string(what) + " is " + std::to_string(value) + "; the limit is " + std::to_string(most), Status::resource_exhausted);
}

JsonToken JsonReader::next() {
  if (++n_tokens_ % kPollTokens == 0) call_.stop.check("model load");
  return scanner_.next();
}

void JsonReader::expect(JsonToken wanted, const char* what, const char* kind) {
  if (next() != wanted) fail(std::string(what) + " has to be " + kind);
}

void JsonReader::begin_object(const char* what) { expect(JsonToken::begin_object, what, "an object"); }

void JsonReader::begin_array(const char* what) { expect(JsonToken::begin_array, what, "an array"); }

const std::string& JsonReader::read_string(const char* what) {
  expect(JsonToken::string, what, "a string");
  return string();
}

std::optional<uint64_t> JsonReader::next_unsigned(const char* what) {
  const JsonToken token = next();
  if (token == JsonToken::end_array) return std::nullopt;
  if (token == JsonToken::number) {
    const std::string_view digits = scanner_.number();
    uint64_t value;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size()) return value;
    fail(std::string(what) + " is " + base::quoted(digits) + "; it has to be an integer from 0 to 2^64 - 1");
  }
  fail(std::string(what) + " has to be an integer");
}

void JsonReader::skip_value() {
  const size_t outside = scanner_.depth();
  do next();
  while (scanner_.depth() > outside);
}

std::string read_text(base::FileReader& file, uint64_t offset, uint64_t n, runtime::Call& call) {
  std::string text(n, '\0');
  for (uint64_t done = 0; done < n; done += kPieceBytes) {
    call.stop.check("model load");
    file.read_at(offset + done, text.data() + done, std::min(n - done, kPieceBytes));
  }
  return text;
}

}  // namespace rustml::formats
