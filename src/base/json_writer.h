// Writes JSON: members and items in the order of the calls, text quoted and escaped, numbers in the fewest digits that read back the same.
#pragma once
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/number_text.h"

namespace rustml::base {

// Quoted and escaped; each byte that is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

// Text that is JSON already.
class JsonText {
 public:
  explicit JsonText(std::string text) : text_(std::move(text)) {}
  const std::string& str() const noexcept { return text_; }

 private:
  std::string text_;
};

// One value: text, a number, true or false, or an object, array or JsonText. An empty optional is null, as are numbers that JSON cannot
// hold.
template <class T>
std::string json_value(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::floating_point<T>) {
    return std::isfinite(value) ? shortest(value) : "null";
  } else if constexpr (std::integral<T>) {
    return std::to_string(value);
  } else if constexpr (requires { value.has_value(); }) {
    return value ? json_value(*value) : "null";
  } else if constexpr (requires { value.str(); }) {
    return value.str();
  } else {
    return json_string(value);
  }
}

class JsonObject {
 public:
  template <class T>
  JsonObject& add(std::string_view key, const T& value) {
    text_ += (text_.empty() ? "{" : ",") + json_string(key) + ':' + json_value(value);
    return *this;
  }
  std::string str() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
};

class JsonArray {
 public:
  JsonArray() = default;
  // Of every item, or of what `of` returns for it.
  template <class Items, class Of = std::identity>
  explicit JsonArray(const Items& items, const Of& of = {}) {
    for (const auto& item : items) add(of(item));
  }
  template <class T>
  JsonArray& add(const T& value) {
    text_ += (text_.empty() ? "[" : ",") + json_value(value);
    return *this;
  }
  std::string str() const { return text_.empty() ? "[]" : text_ + "]"; }

 private:
  std::string text_;
};

}  // namespace rustml::base
