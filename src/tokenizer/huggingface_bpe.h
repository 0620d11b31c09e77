// BPE as a tokenizer.json describes it: added tokens are cut out, what lies between is normalized, cut into words, and the
// characters of each word are joined by merges.
#pragma once
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/decode_steps.h"
#include "tokenizer/merge.h"
#include "tokenizer/normalize.h"
#include "tokenizer/pretokenize_steps.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace rustml::tokenizer {

struct HuggingfaceParts {
  explicit HuggingfaceParts(Vocabulary tokens) : vocabulary(std::move(tokens)) {}

  Vocabulary vocabulary;
  std::vector<bool> in_model;  // by id; false for tokens that only added_tokens has
  std::vector<MergeEntry> merges;
  bool fuse_unknown = false, byte_fallback = false, ignore_merges = false;
  std::vector<AddedToken> added;             // found in the text as it is
  std::vector<AddedToken> added_normalized;  // found in normalized text; theirs is normalized too
  Normalizer normalizer;
  PretokenizeSteps pretokenizer;
  DecodeSteps decoder;
  SpecialIds special;
  uint64_t pipeline = 0;  // hash of the parts of the file that are not told apart here
};

class HuggingfaceBpe final : public VocabularyTokenizer {
 public:
  explicit HuggingfaceBpe(HuggingfaceParts parts);
  std::string decode(const int32_t* ids, size_t n, bool skip_special) const override;

 private:
  struct Scratch;
  void encode_ordinary(std::string_view text, const Sink& sink) const override;
  void encode_normalized(std::string_view text, bool trusted, bool at_start, const Sink& sink) const;
  void encode_words(std::string_view text, bool at_start, const Sink& sink) const;
  void append_character(std::string_view character, std::vector<Symbol>& symbols, bool& unknown_waits, const Sink& sink) const;
  std::vector<Stretch> cut_at_trusted_markers(std::string_view text, const Sink& sink) const;
  int32_t id_in_model(std::string_view text) const noexcept;  // -1: none
  std::string_view written(int32_t id) const;

  std::vector<bool> in_model_;
  PairMerges merges_;
  bool fuse_unknown_, byte_fallback_, ignore_merges_;
  AddedTokens added_normalized_;
  Normalizer normalizer_;
  PretokenizeSteps pretokenizer_;
  DecodeSteps decoder_;
  std::map<int32_t, std::string> written_;  // added tokens that decode to their normalized text
  std::array<int32_t, 0x800> short_ids_;    // of the characters of one or two bytes, -1: none
  std::array<int32_t, 256> byte_ids_;       // of <0xNN>, -1: none
};

}  // namespace rustml::tokenizer
