// Byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM): text is normalized and split into words, each byte of a word becomes a token, and
// merges join neighbours in the order of their ranks. In the file, bytes that are not printable are spelled as other characters
// (GPT-2's alphabet): 0x20 is "Ġ".
#pragma once
#include <array>
#include <string>
#include <vector>

#include "tokenizer/merge.h"
#include "tokenizer/normalize.h"
#include "tokenizer/pretokenize_steps.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace rustml::tokenizer {

class ByteBpe final : public VocabularyTokenizer {
 public:
  // merges: "left right" in the order of their ranks; data_loss for one that is not two texts with one blank between them. Texts that
  // the vocabulary lacks join and part words like tokens, and what is left of them becomes the tokens of their bytes; one record says so.
  ByteBpe(Vocabulary vocabulary, const std::vector<std::string>& merges, const PreTokenizerRule& rule, const std::string& pre_name,
          SpecialIds special, runtime::StopSignal& stop);

 private:
  void encode_ordinary(std::string_view text, const Sink& sink) const override;
  void encode_word(std::string_view text, size_t begin, size_t end, std::vector<Symbol>& symbols, const Sink& sink) const;
  void load_bytes();
  void load_merges(const std::vector<std::string>& merges, runtime::StopSignal& stop);
  void take_missing(const std::vector<std::string>& merges, std::vector<MergeEntry>& entries, std::vector<std::string> missing);
  void append_ids(const Symbol& symbol, size_t end, std::string_view text, const Sink& sink) const;

  Normalizer normalizer_;
  PretokenizeSteps words_;
  bool ignore_merges_;
  // From size() on: ids of texts that only merges name. -1: neither the vocabulary nor a merge has this byte.
  std::array<int32_t, 256> byte_ids_;
  PairMerges merges_;
};

}  // namespace rustml::tokenizer
