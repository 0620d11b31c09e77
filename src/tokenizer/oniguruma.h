// Patterns of tokenizer.json are written for Oniguruma; we match with PCRE2. A pattern is read part by part and written anew,
// so that both match the same characters:
//   * \p{..} of general categories also takes the code points newer than PCRE2's Unicode 14 (pretokenize_ranges.h);
//   * \s is the 25 code points of White_Space (PCRE2 counts U+180E too), \w and \b are Oniguruma's, \h is a hexadecimal digit;
//   * groups do not capture.
// What is not known to mean the same in both is refused: unimplemented, with the pattern. One difference is left: under (?i)
// Oniguruma also takes one character for two letters (U+00DF for "ss"), PCRE2 does not.
#pragma once
#include <string>
#include <string_view>

namespace rustml::tokenizer {

// For PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE with PCRE2_NEWLINE_LF. pattern: valid UTF-8.
std::string pcre2_pattern(std::string_view pattern);

}  // namespace rustml::tokenizer
