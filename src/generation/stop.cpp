#include "generation/stop.h"

#include <algorithm>

namespace rustml::generation {

StopMatcher::StopMatcher(std::span<const std::string> stop_strings) : nodes_(1) {
  size_t longest = 0;
  for (const std::string& text : stop_strings) {
    longest = std::max(longest, text.size());
    uint32_t node = 0;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      uint32_t next = child(node, byte);
      if (next == 0) {
        next = static_cast<uint32_t>(nodes_.size());
        nodes_.push_back({.next_sibling = nodes_[node].first_child, .depth = nodes_[node].depth + 1, .byte = byte});
        nodes_[node].first_child = next;
      }
      node = next;
    }
    nodes_[node].match = nodes_[node].depth;
  }
  link_fallbacks();
  held_.reserve(longest);  // so that feed cannot fail after it delivered
}

// Breadth first, so that a node's fallback, which is shallower, is linked before it is used.
void StopMatcher::link_fallbacks() {
  std::vector<uint32_t> queue{0};
  queue.reserve(nodes_.size());
  for (size_t head = 0; head < queue.size(); ++head) {
    const uint32_t parent = queue[head];
    for (uint32_t node = nodes_[parent].first_child; node != 0; node = nodes_[node].next_sibling) {
      const uint32_t fallback = parent == 0 ? 0 : step(nodes_[parent].fallback, nodes_[node].byte);
      nodes_[node].fallback = fallback;
      if (nodes_[node].match == 0) nodes_[node].match = nodes_[fallback].match;
      queue.push_back(node);
    }
  }
}

uint32_t StopMatcher::child(uint32_t node, unsigned char byte) const noexcept {
  uint32_t next = nodes_[node].first_child;
  while (next != 0 && nodes_[next].byte != byte) next = nodes_[next].next_sibling;
  return next;
}

uint32_t StopMatcher::step(uint32_t node, unsigned char byte) const noexcept {
  for (;;) {
    if (const uint32_t next = child(node, byte); next != 0) return next;
    if (node == 0) return 0;
    node = nodes_[node].fallback;
  }
}

bool StopMatcher::feed(std::string_view text, std::string& out) {
  if (matched_) return true;
  uint32_t state = state_;
  size_t used = 0;  // bytes of `text` that the automaton has seen
  size_t match = 0;
  while (used < text.size() && match == 0) {
    state = step(state, static_cast<unsigned char>(text[used++]));
    match = nodes_[state].match;
  }
  const size_t keep = match != 0 ? match : nodes_[state].depth;  // bytes at the end of held_ + text not to be delivered
  const size_t deliver = held_.size() + used - keep;
  const size_t from_held = std::min(deliver, held_.size());
  out.append(held_, 0, from_held).append(text.substr(0, deliver - from_held));
  if (match != 0) {
    held_.clear();
  } else {
    held_.erase(0, from_held).append(text.substr(deliver - from_held));
  }
  state_ = state;
  matched_ = match != 0;
  return matched_;
}

void StopMatcher::flush(std::string& out) {
  out += held_;
  held_.clear();
  state_ = 0;
}

}  // namespace rustml::generation
