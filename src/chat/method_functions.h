// The methods of texts, for the table of methods.cpp.
#pragma once
#include "chat/parameters.h"

namespace rustml::chat {

struct Method {
  std::string_view name;
  Value (*call)(const Value& self, const Parameters& given, Renderer& renderer);  // nullptr: Python has it, we have not
  std::string_view parameters = "...";
  bool changes = false;
};

// By name; nullptr: there is none.
const Method* text_method(std::string_view name) noexcept;

}  // namespace rustml::chat
