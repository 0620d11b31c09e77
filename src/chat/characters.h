// Characters as Python sees them in a str: code points, their classes and cases. Texts are valid UTF-8.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/text.h"

namespace rustml::chat {

// The character that begins at byte `at`, and how many bytes it has.
char32_t character_at(std::string_view text, size_t at) noexcept;
size_t character_bytes(std::string_view text, size_t at) noexcept;
size_t count_characters(std::string_view text) noexcept;
// The byte where character n begins; the text's end if there are fewer.
size_t byte_of_character(std::string_view text, size_t n) noexcept;

bool is_space(char32_t c) noexcept;  // str.isspace
bool is_printable(char32_t c) noexcept;
bool is_alphabetic(char32_t c) noexcept;
bool is_digit(char32_t c) noexcept;    // of any script
bool is_numeric(char32_t c) noexcept;  // digits, fractions, Roman and circled numbers
bool is_title(char32_t c) noexcept;
bool is_upper(char32_t c) noexcept;
bool is_lower(char32_t c) noexcept;

enum class Case : uint8_t { lower, upper, title };
// Each character in that case, with the origin it had.
Text in_case(const Text& text, Case to);
std::string lowered(std::string_view text);

// Blanks at the ends; `chars`, where given, are the characters to be taken instead.
Text stripped(const Text& text, bool left, bool right, const std::string* chars = nullptr);
std::string_view without_blanks_behind(std::string_view text) noexcept;

}  // namespace rustml::chat
