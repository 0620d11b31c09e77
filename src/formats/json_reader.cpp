#include "formats/json_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace rustml::formats {
namespace {

using base::JsonScanner;
using base::JsonToken;
using base::Status;

constexpr size_t kPollTokens = 4096;
constexpr uint64_t kPieceBytes = 1 << 20;

}  // namespace

template <class Read>
auto JsonReader::guarded(Read read) {
  try {
    return read();
  } catch (const base::Error& error) {
    const bool opens =
        scanner_ && scanner_->offset() < text_.size() && (text_[scanner_->offset()] == '{' || text_[scanner_->offset()] == '[');
    const bool limit = n_values_ >= JsonScanner::kMaxValues || (depth_ >= JsonScanner::kMaxDepth && opens);
    base::fail(limit ? Status::resource_exhausted : Status::data_loss, error.message());
  }
}

JsonReader::JsonReader(std::string_view text, std::string what, runtime::Call& call) : text_(text), what_(std::move(what)), call_(call) {
  call_.stop.check("model load");
  guarded([&] { scanner_.emplace(text_, what_); });
}

void JsonReader::fail(const std::string& problem, Status status) const {
  base::fail(status, what_ + ": " + about_ + problem + " at byte " + std::to_string(scanner_->offset()));
}

void JsonReader::limit(uint64_t value, uint64_t most, const char* what) const {
  if (value > most)
    fail(std::string(what) + " is " + std::to_string(value) + "; the limit is " + std::to_string(most), Status::resource_exhausted);
}

JsonToken JsonReader::next() {
  if (++n_tokens_ % kPollTokens == 0) call_.stop.check("model load");
  const JsonToken token = guarded([&] { return scanner_->next(); });
  const bool begins = token == JsonToken::begin_object || token == JsonToken::begin_array;
  if (begins) ++depth_;
  if (token == JsonToken::end_object || token == JsonToken::end_array) {
    --depth_;
  } else if (token != JsonToken::key) {
    ++n_values_;
  }
  return token;
}

void JsonReader::begin_object(const char* what) {
  if (next() != JsonToken::begin_object) fail(std::string(what) + " has to be an object");
}

void JsonReader::begin_array(const char* what) {
  if (next() != JsonToken::begin_array) fail(std::string(what) + " has to be an array");
}

const std::string& JsonReader::read_string(const char* what) {
  if (next() != JsonToken::string) fail(std::string(what) + " has to be a string");
  return string();
}

bool JsonReader::next_key() { return next() == JsonToken::key; }

std::optional<uint64_t> JsonReader::next_unsigned(const char* what) {
  const JsonToken token = next();
  if (token == JsonToken::end_array) return std::nullopt;
  if (token == JsonToken::number) {
    const std::string_view digits = scanner_->number();
    uint64_t value;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size()) return value;
    fail(std::string(what) + " is " + base::quoted(digits) + "; it has to be an integer from 0 to 2^64 - 1");
  }
  fail(std::string(what) + " has to be an integer");
}

void JsonReader::skip_value() {
  const size_t outside = depth_;
  do {
    next();
  } while (depth_ > outside);
}

void JsonReader::finish() {
  if (next() != JsonToken::end) fail("text after the JSON value");
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
