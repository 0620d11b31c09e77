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
  // `text` must outlive the reader. Messages are "<what>: <about><problem> at byte <offset>".
  JsonReader(std::string_view text, std::string what, runtime::Call& call);
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // What the next tokens belong to, as it stands in messages: "tensor \"a\": ".
  void about(std::string subject) { about_ = std::move(subject); }
  [[noreturn]] void fail(const std::string& problem, base::Status status = base::Status::data_loss) const;
  void limit(uint64_t value, uint64_t most, const char* what) const;  // resource_exhausted above

  base::JsonToken next();
  void begin_object(const char* what);  // the next token, or an Error
  void begin_array(const char* what);
  const std::string& read_string(const char* what);
  bool next_key();                                          // in an object: its next key, or false at its end
  std::optional<uint64_t> next_unsigned(const char* what);  // in an array of integers: the next, or nothing at its end
  void skip_value();
  void finish();                                                             // nothing but blanks follows
  const std::string& string() const noexcept { return scanner_->string(); }  // of the key or string read last

 private:
  template <class Read>
  auto guarded(Read read);  // with the scanner's faults as the statuses above

  std::string_view text_;
  std::string what_, about_;
  runtime::Call& call_;
  std::optional<base::JsonScanner> scanner_;
  size_t depth_ = 0, n_tokens_ = 0, n_values_ = 0;
};

// [offset, offset + n) of the file, read in pieces between which the deadline is polled.
std::string read_text(base::FileReader& file, uint64_t offset, uint64_t n, runtime::Call& call);

}  // namespace rustml::formats
