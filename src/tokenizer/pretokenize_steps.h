// The pre-tokenizer of a tokenizer.json or of a GGUF's rule: steps that cut a text into words, and some of them also spell it differently.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "runtime/deadline.h"
#include "tokenizer/pretokenize.h"

namespace rustml::tokenizer {

// The pre-tokens (words) of a text while steps work on them; reused from text to text.
struct PreTokens {
  struct Range {
    uint32_t begin, end;  // in `text`; never empty, in order, without overlaps
  };
  // text: alive as long as these. at_start: the whole text begins here, not behind an added token.
  void set_text(std::string_view whole, bool begins_text);
  std::string_view of(Range range) const { return text.substr(range.begin, range.end - range.begin); }

  std::string_view text;
  std::vector<Range> ranges;
  bool at_start = false;
  // For steps.
  std::string buffer, next_buffer;
  std::vector<Range> next_ranges;
};

class PretokenizeStep {
 public:
  virtual ~PretokenizeStep() = default;
  virtual void apply(PreTokens& tokens, runtime::StopSignal& stop) const = 0;
};

class PretokenizeSteps {
 public:
  PretokenizeSteps() = default;  // the whole text is one word
  // Sequence, Split, ByteLevel, Digits, Metaspace, Whitespace, WhitespaceSplit; others are unimplemented, by name.
  // Metaspace's "first" asks `tokenizers` for the place in the text as it was before the normalizer; that is not traced here, so
  // a blank goes before the first word even if the normalizer took away what stood before it.
  explicit PretokenizeSteps(const base::Json& json);
  // A rule of GGUF files. jit false: always the interpreter, as where no executable memory is to be had.
  explicit PretokenizeSteps(std::span<const SplitRule> splits, bool jit = true);
  // tokens: as set_text left them. resource_exhausted if the text grows beyond 16 times its length and 64 KiB more.
  void apply(PreTokens& tokens, runtime::StopSignal& stop) const;
  bool spells_bytes() const noexcept { return spells_bytes_; }  // ByteLevel: each character of a word stands for a byte

 private:
  std::vector<std::unique_ptr<PretokenizeStep>> steps_;
  bool spells_bytes_ = false;
};

}  // namespace rustml::tokenizer
