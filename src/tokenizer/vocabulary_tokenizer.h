// What every tokenizer with a token list shares: tokens split out of the text before anything else (added_tokens.h), BOS and
// EOS, bytes and flags of tokens. A kind of tokenizer adds how ordinary text becomes ids.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/control_tokens.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocabulary.h"

namespace rustml::tokenizer {

struct SpecialIds {
  int32_t bos = -1, eos = -1, unknown = -1;
  std::vector<int32_t> before, after;  // what add_special puts around a text: mostly BOS, or nothing
  std::vector<int32_t> stops;          // as the file names them; the well-known end tokens are found by text
  std::vector<int32_t> mended;         // control tokens that the file gives another type, ascending
};

// Bytes encoded at once. One word of that length takes 32 times as much memory while it is merged.
constexpr uint64_t kLongestText = uint64_t{64} << 20;

class VocabularyTokenizer : public Tokenizer {
 public:
  Encoding encode(std::string_view text, const EncodeOptions& options, runtime::StopSignal& stop) const final;
  Encoding encode_spans(const std::vector<Span>& spans, const EncodeOptions& options, runtime::StopSignal& stop) const final;
  std::string_view token_bytes(int32_t id) const final;
  uint32_t token_flags(int32_t id) const final;
  float token_score(int32_t id) const final { return vocabulary_.score(id); }
  std::string decode(const int32_t* ids, size_t n, bool skip_special) const override;
  int32_t size() const final { return vocabulary_.size(); }
  int32_t bos_id() const final { return special_.bos; }
  int32_t eos_id() const final { return special_.eos; }
  bool adds_bos() const final { return !special_.before.empty() && special_.before.front() == special_.bos; }
  const std::vector<int32_t>& stop_ids() const final { return special_.stops; }
  uint64_t fingerprint_low() const final { return fingerprint_low_; }
  uint64_t fingerprint_high() const final { return fingerprint_high_; }
  const std::string& kind() const final { return kind_; }

 protected:
  // What encode_ordinary writes to.
  struct Sink {
    Encoding& encoding;
    const EncodeOptions& options;
    runtime::StopSignal& stop;
    size_t offset = 0;                    // of the piece in the whole text
    const std::vector<Stretch>& trusted;  // of the whole text

    // A byte without a token.
    void drop(size_t at) const;
  };

  // added: null, the control and user-defined tokens.
  VocabularyTokenizer(Vocabulary vocabulary, SpecialIds special, std::string kind, const std::vector<AddedToken>* added = nullptr);

  // text: a piece without tokens that are split out; not empty.
  virtual void encode_ordinary(std::string_view text, const Sink& sink) const = 0;

  bool is_marker(int32_t id) const noexcept { return tokenizer::is_marker(vocabulary_, id); }
  // By the constructor of each kind: bytes of the next token in the order of ids, then what else the fingerprint covers.
  void add_bytes(std::string_view bytes);
  void set_fingerprint(const std::vector<uint64_t>& more);

  const Vocabulary vocabulary_;
  SpecialIds special_;

 private:
  std::string kind_;
  AddedTokens added_;
  std::vector<int32_t> stops_of_file_;  // without mended ones: a fingerprint is of what the file says, as its types are
  std::string bytes_;                   // of all tokens, as in running text
  std::vector<uint32_t> byte_begins_{0};
  uint64_t fingerprint_low_ = 0, fingerprint_high_ = 0;
};

}  // namespace rustml::tokenizer
