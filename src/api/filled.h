// What the engine gives as the caller's struct: text as pointer and length, enumerations as numbers.
#pragma once
#include <string_view>
#include <type_traits>

#include "api/fields_generated.h"

namespace rustml::api {

template <class To, class From>
To filled(const From& from) {
  To out{};
  for_each_field(out, from, []<class T>(T& to, const auto& value) {
    if constexpr (std::is_same_v<T, rustml_text>)
      to = {value.empty() ? "" : value.data(), value.size()};
    else
      to = static_cast<T>(value);
  });
  return out;
}

}  // namespace rustml::api
