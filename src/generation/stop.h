// Finds stop strings in text that arrives in pieces: an Aho-Corasick automaton (Aho and Corasick, CACM 1975) over bytes.
// Its state is the longest end of the text so far that begins a stop string: exactly those bytes are held back, so
// everything delivered is certainly not part of one. The match is the one that ends first; of several that end at the
// same byte, the longest. Work is linear in the text, memory 24 bytes per byte of stop strings.
// Stop strings are UTF-8 (options.h), so text fed in whole characters comes out in whole characters.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rustml::generation {

class StopMatcher {
 public:
  explicit StopMatcher(std::span<const std::string> stop_strings);  // none: everything is delivered at once

  // Appends to `out` what may be delivered. True once a stop string is complete: it and what follows are dropped.
  // Afterwards every further text is dropped.
  bool feed(std::string_view text, std::string& out);
  // The end of the text without a match: appends what was held back.
  void flush(std::string& out);

  bool matched() const noexcept { return matched_; }

 private:
  struct Node {
    uint32_t first_child = 0, next_sibling = 0;  // 0: none; the root is nobody's child
    uint32_t fallback = 0;                       // node of the longest proper end that is also a beginning
    uint32_t depth = 0;                          // bytes from the root
    uint32_t match = 0;                          // bytes of the longest stop string that ends here; 0: none
    unsigned char byte = 0;
  };

  uint32_t child(uint32_t node, unsigned char byte) const noexcept;
  uint32_t step(uint32_t node, unsigned char byte) const noexcept;
  void link_fallbacks();

  std::vector<Node> nodes_;
  uint32_t state_ = 0;
  std::string held_;  // the nodes_[state_].depth last bytes of the text
  bool matched_ = false;
};

}  // namespace rustml::generation
