#include "tokenizer/token_matcher.h"

#include <algorithm>

#include "base/error.h"

namespace rustml::tokenizer {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;
constexpr size_t kPollEvery = 64 * 1024;

}  // namespace

TokenMatcher::TokenMatcher(const std::vector<std::string_view>& texts) {
  std::vector<uint32_t> which;  // texts that are not complete yet, in the order given
  uint64_t bytes = 0;
  size_t longest = 0;
  for (const std::string_view text : texts) {
    if (!text.empty()) which.push_back(static_cast<uint32_t>(lengths_.size()));
    lengths_.push_back(static_cast<uint32_t>(text.size()));
    bytes += text.size();
    longest = std::max(longest, text.size());
  }
  if (bytes > kMostBytes) {
    base::fail(base::Status::resource_exhausted,
               "vocabulary: special tokens hold " + std::to_string(bytes) + " bytes, limit " + std::to_string(kMostBytes));
  }
  if (which.empty()) return;
  children_ = FlatMap<uint32_t>(bytes);
  root_.assign(256, 0);
  shorter_.assign(1, 0);
  longest_.assign(1, kNone);
  // Level by level, so that the states a new one falls back to are complete.
  std::vector<uint32_t> states(which.size(), 0);
  for (size_t depth = 0; depth < longest; ++depth) {
    size_t kept = 0;
    for (size_t i = 0; i < which.size(); ++i) {
      const std::string_view text = texts[which[i]];
      const auto byte = static_cast<unsigned char>(text[text.size() - 1 - depth]);
      uint32_t& child = states[i] == 0 ? root_[byte] : children_[uint64_t{states[i]} << 8 | byte];
      if (child == 0) {
        child = static_cast<uint32_t>(shorter_.size());
        const uint32_t fallback = states[i] == 0 ? 0 : step(shorter_[states[i]], byte);
        shorter_.push_back(fallback);
        longest_.push_back(longest_[fallback]);
      }
      const uint32_t state = child;
      if (depth + 1 == text.size()) {
        const uint32_t before = longest_[state];
        if (before == kNone || lengths_[before] < text.size()) longest_[state] = which[i];
      } else {
        which[kept] = which[i];
        states[kept++] = state;
      }
    }
    which.resize(kept);
    states.resize(kept);
  }
}

uint32_t TokenMatcher::step(uint32_t state, unsigned char byte) const noexcept {
  for (; state != 0; state = shorter_[state]) {
    if (const uint32_t* child = children_.find(uint64_t{state} << 8 | byte)) return *child;
  }
  return root_[byte];
}

std::vector<TokenMatcher::Hit> TokenMatcher::matches(std::string_view text, runtime::StopSignal& stop) const {
  std::vector<Hit> hits;
  if (root_.empty()) return hits;
  uint32_t state = 0;
  for (size_t i = text.size(); i-- > 0;) {
    if (i % kPollEvery == 0) stop.check("encoding");
    state = step(state, static_cast<unsigned char>(text[i]));
    if (longest_[state] != kNone) hits.push_back({static_cast<uint32_t>(i), longest_[state]});
  }
  std::reverse(hits.begin(), hits.end());
  size_t kept = 0;
  uint64_t end = 0;
  for (const Hit hit : hits) {
    if (hit.begin < end) continue;
    end = hit.begin + lengths_[hit.which];
    hits[kept++] = hit;
  }
  hits.resize(kept);
  return hits;
}

}  // namespace rustml::tokenizer
