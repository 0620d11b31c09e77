// The normalizer of a tokenizer.json: what is done to text before it is cut into words. The only place that knows utf8proc.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "runtime/deadline.h"
#include "tokenizer/text_pattern.h"

namespace rustml::tokenizer {

class Normalizer {
 public:
  Normalizer() = default;  // leaves text as it is
  // Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip; others are unimplemented, by name.
  explicit Normalizer(const base::Json& json);

  bool empty() const noexcept { return steps_.empty(); }
  // text: valid UTF-8. resource_exhausted if it grows beyond 16 times its length and 64 KiB more.
  void apply(std::string& text, runtime::StopSignal& stop) const;

 private:
  // In the order of the constructor.
  enum class Kind : unsigned char { nfc, nfd, nfkc, nfkd, lowercase, prepend, replace, strip };
  struct Step {
    Kind kind;
    std::string content;               // prepend, replace
    bool left = false, right = false;  // strip
    std::vector<TextPattern> pattern;  // replace: one
  };
  std::vector<Step> steps_;
};

}  // namespace rustml::tokenizer
