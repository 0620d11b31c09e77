// How byte-level vocabularies cut text into words: the rule that each name of tokenizer.ggml.pre stands for.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace rustml::tokenizer {

// One step of a pre-tokenizer; as in tokenizer.json, where the pattern and what lies between its matches become words of their own.
struct SplitRule {
  enum Kind : unsigned char { isolated, contiguous, merged_with_next, digits, digit_runs, spell_bytes };
  Kind kind;
  std::string_view pattern = {};  // Oniguruma's syntax; of the first three kinds
  bool operator==(const SplitRule&) const = default;
};

// What a GGUF's tokenizer.ggml.pre stands for.
struct PreTokenizerRule {
  std::span<const SplitRule> splits;  // one after the other
  bool ignore_merges = false;         // a word that is a token becomes it, whatever the merges say
  bool adds_bos = false;              // unless the file says otherwise
  std::string_view normalizer = {};   // the type of tokenizer.json's normalizer; empty: none
};
// nullptr: no such name.
const PreTokenizerRule* find_pre_tokenizer(std::string_view name) noexcept;
// The name of such a rule; empty: there is none.
std::string_view pre_tokenizer_name(std::span<const SplitRule> splits, bool ignore_merges, std::string_view normalizer) noexcept;

// GPT-2's, which tokenizer.json calls ByteLevel's regex.
extern const std::string_view kGpt2Words;
// Whether a pattern is one of the rules' and known to take time in proportion to the text.
bool is_linear_pattern(std::string_view text) noexcept;
// One character of a word, and a word or a run of what is neither word nor blank, as Rust's \w has them.
std::string word_pattern();
std::string words_pattern();
// One digit, as Rust's char::is_numeric has it.
std::string digit_pattern();

}  // namespace rustml::tokenizer
