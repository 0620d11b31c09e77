// UTF-8 by the Unicode standard, table 3-7: no overlong forms, no surrogates, at most U+10FFFF.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rustml::base {

constexpr size_t kValidUtf8 = SIZE_MAX;
// Offset of the first byte that is not part of a well-formed character; kValidUtf8 if there is none.
size_t utf8_error(std::string_view text) noexcept;
// Bytes of the character that begins with `lead` (1 to 4); 0 if no character does.
int utf8_length(unsigned char lead) noexcept;

}  // namespace rustml::base
