// Splits text into the words that byte pair encoding works on, by the regular expression of the model's family. The only
// place that knows PCRE2.
//
// Two repairs make PCRE2 agree with the patterns as Hugging Face's `tokenizers` runs them, character for character:
//   * \p{L} and \p{N} also take the code points assigned since PCRE2's Unicode version (pretokenize_ranges.h);
//   * \s and \S are spelled as the 25 code points of White_Space: PCRE2 counts U+180E too.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

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

class PreTokenizer {
 public:
  // jit false: always the interpreter, as where no executable memory is to be had.
  explicit PreTokenizer(Pattern pattern, bool jit = true);
  ~PreTokenizer();
  PreTokenizer(const PreTokenizer&) = delete;
  PreTokenizer& operator=(const PreTokenizer&) = delete;

  // Walks the words of one text; one per call and thread. text: valid UTF-8, alive as long as the cursor.
  class Cursor {
   public:
    Cursor(const PreTokenizer& words, std::string_view text);
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    // Where the word that begins at `begin` ends. begin < text.size().
    size_t end_of_word(size_t begin);

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace rustml::tokenizer
