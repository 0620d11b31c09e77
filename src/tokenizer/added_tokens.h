// Tokens that are cut out of a text before anything else happens to it: leftmost first, of those the longest.
//
// Two sorts of them:
//   * markers (control tokens, and others that look or act like chat markers): only where the caller trusts the text;
//   * all others: wherever they stand, as `tokenizers` does with added tokens that are not special.
// Where the whole text is trusted, both are found as one, as in `tokenizers`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/pretokenize_regex.h"
#include "tokenizer/token_matcher.h"

namespace rustml::tokenizer {

struct AddedToken {
  int32_t id;
  std::string text;
  bool marker = false;
  bool lstrip = false, rstrip = false;  // blanks on that side go with it
  bool single_word = false;             // not beside a letter or digit
};

// Bytes [begin, end) of a text.
struct Stretch {
  size_t begin, end;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const noexcept { return tokens_.empty(); }
  bool has_markers() const noexcept { return has_markers_; }

  struct Cut {
    size_t begin, end;
    int32_t id;  // -1: text between tokens
  };
  // trusted: in order, without overlaps. The cuts are in order and cover the text; blanks that one token strips are another's
  // if they are tokens themselves, as in `tokenizers`.
  std::vector<Cut> cut(std::string_view text, const std::vector<Stretch>& trusted, runtime::StopSignal& stop) const;

 private:
  struct Hit {
    size_t begin;
    const AddedToken* token;
  };
  std::vector<Hit> find(std::string_view text, const std::vector<Stretch>& trusted, runtime::StopSignal& stop) const;
  bool beside_word(std::string_view text, size_t begin, size_t end) const;

  std::vector<AddedToken> tokens_;
  std::vector<uint32_t> plain_indices_;  // of plain_'s texts
  TokenMatcher all_, plain_;
  std::optional<Regex> word_;
  bool has_markers_ = false;
};

}  // namespace rustml::tokenizer
