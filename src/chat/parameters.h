// The arguments of one call, each at its parameter, as Python puts them there.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/renderer.h"

namespace rustml::chat {

// Parameters in order, with blanks between: "old new count?". With "?" one may be left out; "/" at the begin: none by its name;
// "..." at the end: any others as well.
struct Signature {
  std::string_view function, parameters;
};

class Parameters {
 public:
  static constexpr size_t kMost = 6;
  // Too many, too few, unknown and double ones are faults.
  Parameters(const Signature& signature, const Arguments& arguments, Renderer& renderer);

  const Value* operator[](size_t i) const noexcept { return values_[i]; }  // nullptr: not given
  bool has(size_t i) const noexcept { return values_[i] != nullptr && !values_[i]->is(Value::Kind::none); }
  Value value(size_t i, Value fallback) const { return values_[i] != nullptr ? *values_[i] : std::move(fallback); }
  bool flag(size_t i, bool fallback = false) const { return values_[i] != nullptr ? truth(*values_[i]) : fallback; }
  int64_t integer(size_t i, int64_t fallback = 0) const;
  const Text& text(size_t i) const;  // of one that is given
  const Arguments& all() const noexcept { return all_; }

 private:
  void put(size_t i, std::string_view name, const Value& value);

  const Signature& signature_;
  const Arguments& all_;
  Renderer& renderer_;
  std::array<const Value*, kMost> values_{};
};

}  // namespace rustml::chat
