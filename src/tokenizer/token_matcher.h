// Where the texts of given tokens occur: leftmost first, of those the longest, no overlaps; O(text) for any tokens.
//
// An Aho-Corasick automaton over the reversed texts walks from the end: after it has taken the byte at i, its state knows
// the longest text that begins at i. A second walk from the left then takes what does not overlap.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/deadline.h"
#include "tokenizer/flat_map.h"

namespace rustml::tokenizer {

class TokenMatcher {
 public:
  struct Hit {
    uint32_t begin;
    uint32_t which;  // texts[which]
  };
  TokenMatcher() = default;
  // Of equal texts the first counts; an empty one is never found. Keeps no reference to them.
  // resource_exhausted over 1 MiB of texts: no real vocabulary has a fifth of it.
  explicit TokenMatcher(const std::vector<std::string_view>& texts);

  // text: below 2^32 bytes. In order of `begin`.
  std::vector<Hit> matches(std::string_view text, runtime::StopSignal& stop) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t step(uint32_t state, unsigned char byte) const noexcept;

  FlatMap<uint32_t> children_;     // state << 8 | byte -> state; from the root: root_
  std::vector<uint32_t> root_;     // 256
  std::vector<uint32_t> shorter_;  // state -> the longest other state whose text is a suffix of this one's
  std::vector<uint32_t> longest_;  // state -> text, kNone: none
  std::vector<uint32_t> lengths_;  // of the texts
};

}  // namespace rustml::tokenizer
