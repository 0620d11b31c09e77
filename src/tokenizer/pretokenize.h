// Splits text into the words that byte pair encoding works on, by the regular expression of the model's family.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "tokenizer/pretokenize_regex.h"

namespace rustml::tokenizer {

enum class Pattern : unsigned char { gpt2, smollm, llama3, qwen2 };

// What a GGUF's tokenizer.ggml.pre stands for.
struct PreTokenizerRule {
  Pattern pattern = Pattern::gpt2;
  bool ignore_merges = false;  // a word that is a token becomes it, whatever the merges say
  bool adds_bos = false;       // unless the file says otherwise
  bool known = false;
};
PreTokenizerRule pre_tokenizer_rule(std::string_view name) noexcept;

// In the syntax of tokenizer.json.
std::string pattern_text(Pattern pattern);
// Whether a file's pattern is one of these: known to take time in proportion to the text.
bool is_known_pattern(std::string_view text) noexcept;
// One character of a word, and a word or a run of what is neither word nor blank, as Rust's \w has them.
std::string word_pattern();
std::string words_pattern();
// One digit, as Rust's char::is_numeric has it.
std::string digit_pattern();

class PreTokenizer {
 public:
  // jit false: always the interpreter, as where no executable memory is to be had.
  explicit PreTokenizer(Pattern pattern, bool jit = true)
      : regex_(pattern_text(pattern), jit ? Regex::Source::known : Regex::Source::known_no_jit) {}

  // Walks the words of one text; one per call and thread. text: valid UTF-8, alive as long as the cursor.
  class Cursor {
   public:
    Cursor(const PreTokenizer& words, std::string_view text) : cursor_(words.regex_) { cursor_.set_text(text); }
    // Where the word that begins at `begin` ends. begin < text.size().
    size_t end_of_word(size_t begin);

   private:
    Regex::Cursor cursor_;
  };

 private:
  Regex regex_;
};

}  // namespace rustml::tokenizer
