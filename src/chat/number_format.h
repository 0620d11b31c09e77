// Numbers as printf's conversions and Python's format specifications write them.
#pragma once
#include <cstdint>
#include <string>

#include "chat/renderer.h"

namespace rustml::chat {

struct NumberForm {
  char type;               // d x X o b, or e E f F g G
  int64_t precision = -1;  // of integers: digits at least
  bool prefixed = false;   // 0x, 0o, 0b
};

// Sign apart, so that what fills a field can come between.
struct NumberText {
  std::string prefix, digits;
  bool negative;
};

NumberText number_text(const Value& value, const NumberForm& form, Renderer& renderer);

}  // namespace rustml::chat
