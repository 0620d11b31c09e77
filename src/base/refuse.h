// How an argument, a field or an option is refused: one shape of message, and the same for programs in the error's detail_json:
// {"field":"top_p","value":1.5,"rule":"above 0 and at most 1; 1 turns it off"}.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace rustml::base {

// What was given: as the message has it, and as JSON.
class Given {
 public:
  template <std::integral T>
  Given(T number) : words_(std::to_string(number)), json_(words_) {}
  Given(double number);
  Given(float number);
  Given(std::string words);  // "NULL with length 3"
  Given(const char* words) : Given(std::string(words)) {}
  static Given text(std::string_view text);  // in quotes, shortened, in the message
  const std::string& words() const noexcept { return words_; }
  const std::string& json() const noexcept { return json_; }

 private:
  Given(std::string words, std::string json) : words_(std::move(words)), json_(std::move(json)) {}
  std::string words_, json_;
};

std::string refusal_detail(std::string_view field, const Given& value, std::string_view rule);
// Throws: "<field> is <value>; it must be <rule>".
[[noreturn]] void refuse_field(std::string_view field, const Given& value, std::string_view rule, Status status = Status::invalid_argument);

}  // namespace rustml::base
