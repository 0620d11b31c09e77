// JSON of a model file, token by token (base/json_scanner.h is the grammar), with the statuses and the manners of a load:
// faults are data_loss, limits of depth and number of values resource_exhausted, and the deadline is polled on the way.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file_reader.h"
#include "base/json_scanner.h"
#include "runtime/deadline.h"

namespace rustml::formats {

class JsonReader {
 public:
  // Both views must outlive the reader. Messages are "<what>: <about><problem> at byte <offset>".
  JsonReader(std::string_view text, std::string_view what, runtime::Call& call);

  // What the next tokens belong to, as it stands in messages: "tensor \"a\": ".
  void about(std::string subject) { about_ = std::move(subject); }
  [[noreturn]] void fail(const std::string& problem, base::Status status = base::Status::data_loss) const {
    scanner_.fail_at(scanner_.offset(), about_ + problem, status);
  }
  void limit(uint64_t value, uint64_t most, const char* what) const;  // resource_exhausted above

  base::JsonToken next();
  void begin_object(const char* what);  // the next token, or an Error
  void begin_array(const char* what);
  const std::string& read_string(const char* what);
  bool next_key() { return next() == base::JsonToken::key; }  // in an object: its next key, or false at its end
  std::optional<uint64_t> next_unsigned(const char* what);    // in an array of integers: the next, or nothing at its end
  void skip_value();
  void finish() { next(); }                                                 // nothing but blanks follows, or the scanner fails
  const std::string& string() const noexcept { return scanner_.string(); }  // of the key or string read last

 private:
  void expect(base::JsonToken wanted, const char* what, const char* kind);

  std::string about_;
  runtime::Call& call_;
  base::JsonScanner scanner_;
  size_t n_tokens_ = 0;
};

// [offset, offset + n) of the file, read in pieces between which the deadline is polled.
std::string read_text(base::FileReader& file, uint64_t offset, uint64_t n, runtime::Call& call);

}  // namespace rustml::formats
