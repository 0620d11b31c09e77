// The tokens and merges of a tokenizer.json: its model.vocab, model.merges and added_tokens. Files have up to a million of
// them, so they are read as they are scanned.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/deadline.h"
#include "tokenizer/huggingface_bpe.h"
#include "tokenizer/vocabulary.h"

namespace rustml::tokenizer {

constexpr size_t kMostMerges = size_t{1} << 21;

struct HuggingfaceAdded {
  int32_t id;
  std::string text;
  bool special, lstrip, rstrip, single_word, normalized;
};

struct HuggingfaceVocabulary {
  std::string texts;           // of the model's tokens, in file order, one after the other
  std::vector<uint32_t> ends;  // in texts
  std::vector<int32_t> ids;    // of each
  std::vector<HuggingfaceAdded> added;
  std::string odd;  // for a record; empty: nothing
};

// Each reads the text of that section. data_loss for contradictions, resource_exhausted over the limits.
void read_vocab(std::string_view json, HuggingfaceVocabulary& out, runtime::StopSignal& stop);
// read_added_tokens: after read_vocab. Where the file gives one text two ids, the model's counts, else the first.
void read_added_tokens(std::string_view json, HuggingfaceVocabulary& out, runtime::StopSignal& stop);

// Positions become ids: sized by the largest id, with holes where no token is. byte_fallback: <0xNN> are bytes.
Vocabulary build_vocabulary(const HuggingfaceVocabulary& read, bool byte_fallback, std::string_view unknown, std::vector<bool>& in_model);
std::vector<MergeEntry> read_merges(std::string_view json, const Vocabulary& vocabulary, const std::vector<bool>& in_model,
                                    runtime::StopSignal& stop);

}  // namespace rustml::tokenizer
