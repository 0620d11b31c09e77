// The one exception of the library. Bad input throws it; expected outcomes (stop, deadline, end) are returned values.
#pragma once
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace rustml::base {

// Values equal the RUSTML_* constants of rustml.h (boundary/guard.cpp asserts it).
enum class Status : int32_t {
  ok = 0,
  cancelled = 1,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  busy = 100,
  invalid_handle = 101,
  abi_mismatch = 102,
  poisoned = 103,
  forked = 104,
  callback_stop = 105,
  buffer_too_small = 106,
  done = 107,
};

class Error : public std::exception {
 public:
  // message: one line, lower case, subject first, with the offending value, its limit and the way out.
  // detail_json: a JSON object or empty.
  Error(Status status, std::string message, std::string detail_json = {}, int32_t callback_value = 0);
  const char* what() const noexcept override { return message_.c_str(); }
  Status status() const noexcept { return status_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& detail_json() const noexcept { return detail_json_; }
  int32_t callback_value() const noexcept { return callback_value_; }

 private:
  Status status_;
  int32_t callback_value_;
  std::string message_, detail_json_;
};

[[noreturn]] void fail(Status status, std::string message, std::string detail_json = {});

// `text` in double quotes, cut to 80 bytes at a character, control and invalid bytes as \xNN: for messages that quote input.
std::string quoted(std::string_view text);

}  // namespace rustml::base
