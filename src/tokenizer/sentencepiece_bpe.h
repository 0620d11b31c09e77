// SentencePiece-style BPE (Llama 2, Mistral, Gemma): blanks are spelled "▁" (U+2581), characters are joined while a joined
// text is a token, the one of highest score first; characters without a token become bytes <0xNN>, or the unknown token.
// There are no words: the whole piece between special tokens is one.
#pragma once
#include <array>
#include <string>
#include <string_view>

#include "tokenizer/vocabulary_tokenizer.h"

namespace rustml::tokenizer {

// The byte of "<0xNN>" in capitals, -1 for any other text.
int byte_of_token(std::string_view text);

class SentencePieceBpe final : public VocabularyTokenizer {
 public:
  // add_space_prefix: a dummy blank goes before the text, and before what follows a special token.
  SentencePieceBpe(Vocabulary vocabulary, bool add_space_prefix, SpecialIds special);
  std::string decode(const int32_t* ids, size_t n, bool skip_special) const override;

 private:
  void encode_ordinary(std::string_view text, const Sink& sink) const override;
  bool encode_character(std::string_view character, const Sink& sink) const;  // false: there is no token for it

  bool add_space_prefix_;
  std::array<int32_t, 256> byte_ids_;  // of <0xNN>, -1: none
};

}  // namespace rustml::tokenizer
