// Text to token ids and back; the defaults are those of a model without tokens. Immutable after construction; all members may be called
// from several threads at once.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_file.h"
#include "runtime/deadline.h"

namespace rustml::tokenizer {

struct EncodeOptions {
  bool add_special = false;    // BOS/EOS as the file says
  bool parse_special = false;  // text of special tokens becomes those tokens
  bool strict = false;         // a byte without a token: invalid_argument with its offset
};

struct Encoding {
  std::vector<int32_t> ids;
  uint64_t dropped_bytes = 0;
};

// One stretch of a prompt. In `trusted` text special tokens are parsed, in other text never: so the text of a special
// token inside a user's message stays plain text.
struct Span {
  std::string_view text;
  bool trusted;
};

enum TokenFlags : uint32_t { kSpecial = 1, kByte = 2, kUnknown = 4, kStop = 8 };  // equal RUSTML_TOKEN_*

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // `text` must be valid UTF-8 (callers check). Polls `stop` at least every 64 KiB and throws its Error.
  virtual Encoding encode(std::string_view text, const EncodeOptions& options, runtime::StopSignal& stop) const = 0;
  // The spans' concatenation encoded; specials parsed in trusted spans only. No BOS/EOS added beyond options.
  virtual Encoding encode_spans(const std::vector<Span>& spans, const EncodeOptions& options, runtime::StopSignal& stop) const = 0;
  // Raw bytes of one token as they appear in running text. id must be in [0, size).
  virtual std::string_view token_bytes(int32_t) const { return {}; }
  virtual uint32_t token_flags(int32_t) const { return 0; }
  virtual float token_score(int32_t) const { return 0; }
  // Whole text; a leading dummy blank of SentencePiece-style vocabularies is removed here.
  virtual std::string decode(const int32_t* ids, size_t n, bool skip_special) const = 0;
  virtual int32_t size() const = 0;
  virtual int32_t bos_id() const { return -1; }  // -1: none
  virtual int32_t eos_id() const { return -1; }
  virtual bool adds_bos() const { return false; }
  virtual const std::vector<int32_t>& stop_ids() const = 0;  // eos, eot, eom, <|im_end|>, ... sorted
  // XXH3-128 over tokens, merges or scores, types, pre-tokenizer.
  virtual uint64_t fingerprint_low() const { return 0; }
  virtual uint64_t fingerprint_high() const { return 0; }
  virtual const std::string& kind() const = 0;  // "byte-level BPE (smollm)", "SentencePiece BPE"
  virtual bool exists() const { return true; }  // false: no_tokenizer()
};

// For a model that came without a tokenizer: ids work, what needs text is failed_precondition.
std::unique_ptr<Tokenizer> no_tokenizer(int32_t size);

// From `tokenizer.ggml.*`. unimplemented for other tokenizer models, by name; data_loss for contradictions. What is odd and cannot give
// wrong ids is one record for each kind.
std::unique_ptr<Tokenizer> from_gguf(const formats::ModelFile& file, runtime::Call& call);
// From the documents tokenizer.json, tokenizer_config.json and generation_config.json of a Hugging Face directory; null where
// it has no tokenizer.json. unimplemented for parts that are not supported, by name; data_loss for contradictions.
std::unique_ptr<Tokenizer> from_huggingface(const formats::ModelFile& file, runtime::Call& call);

}  // namespace rustml::tokenizer
