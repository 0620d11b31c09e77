// Prompt lookup: guesses of the next tokens, taken from where the last few occurred before. Evaluated in one pass with the last
// token they cost a fraction of passes of their own; a guess counts only if it is what the sampler draws, so nothing changes but
// the time. How many are made is decided by what they gave so far.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace rustml::generation {

constexpr size_t kLongestMatch = 8, kShortestMatch = 2;  // tokens

// What followed the latest earlier occurrence of the longest suffix of `tokens`, kLongestMatch to kShortestMatch tokens long, that
// has one: at most `n` tokens, going round where the occurrence overlaps the suffix, and at most half the square of its length:
// guesses after a long match are right more often and further (measured on edits). Empty: there is none.
void look_up(std::span<const int32_t> tokens, size_t n, std::vector<int32_t>& draft);

class LookupDraft {
 public:
  explicit LookupDraft(uint32_t longest) : longest_(longest) { draft_.reserve(longest); }

  // Guesses of what follows `tokens`, at most `room`; none if they do not seem to pay. The caller evaluates them with the last token.
  std::span<const int32_t> next(std::span<const int32_t> tokens, uint64_t room);
  void evaluated(uint64_t ns);  // that pass took so long
  void sampled(int32_t token);  // what came: the next guess, or the others are void
  uint64_t drafted() const noexcept { return drafted_; }
  uint64_t accepted() const noexcept { return accepted_; }

 private:
  const uint32_t longest_;
  std::vector<int32_t> draft_;
  size_t used_ = 0;  // guesses that came true
  uint64_t drafted_ = 0, accepted_ = 0;
  // In passes of one token.
  double credit_ = 0.75;  // what guessing may cost before it has to pay
  double price_ = 0.2;    // of one guess
  double single_ns_ = 0;
};

}  // namespace rustml::generation
