#include "generation/lookup_draft.h"

#include <algorithm>

namespace rustml::generation {

namespace {

constexpr double kAllowance = 0.005;  // of the time may be lost for good
constexpr double kMostCredit = 3;
constexpr double kBlend = 0.125;  // weight of a new measurement
constexpr size_t kGroup = 4;      // tokens that kernels take at a time: one more in a pass costs about as much as two or three

}  // namespace

void look_up(std::span<const int32_t> tokens, size_t n, std::vector<int32_t>& draft) {
  draft.clear();
  const size_t size = tokens.size();
  size_t best = kShortestMatch - 1, behind = 0;  // length of the match; position that follows it
  for (size_t end = size - std::min<size_t>(size, 1); end > best && best < kLongestMatch; --end) {
    if (tokens[end - 1] != tokens[size - 1] || tokens[end - 1 - best] != tokens[size - 1 - best]) continue;
    size_t length = 1;
    while (length < std::min(end, kLongestMatch) && tokens[end - 1 - length] == tokens[size - 1 - length]) ++length;
    if (length <= best) continue;
    best = length;
    behind = end;
  }
  if (behind == 0) return;
  n = std::min(n, best * best / 2);
  for (size_t i = 0; i < n; ++i) draft.push_back(tokens[behind + i % (size - behind)]);
}

std::span<const int32_t> LookupDraft::next(std::span<const int32_t> tokens, uint64_t room) {
  draft_.clear();
  used_ = 0;
  const uint64_t affordable = credit_ < price_ ? 0 : static_cast<uint64_t>(credit_ / price_);
  if (const uint64_t n = std::min<uint64_t>({longest_, room, affordable}); n > 0) look_up(tokens, n, draft_);
  if (draft_.size() >= kGroup && draft_.size() % kGroup == 0) draft_.pop_back();  // the pass has the last token besides
  drafted_ += draft_.size();
  return draft_;
}

void LookupDraft::evaluated(uint64_t ns) {
  const auto time = static_cast<double>(ns);
  const auto n = static_cast<double>(draft_.size());
  if (draft_.empty()) {
    single_ns_ = single_ns_ == 0 ? time : single_ns_ + (std::min(time, 2 * single_ns_) - single_ns_) * kBlend;  // pauses count little
    credit_ = std::min(kMostCredit, credit_ + kAllowance);
    return;
  }
  if (single_ns_ > 0) price_ += (std::clamp((time / single_ns_ - 1) / n, 0.02, 1.0) - price_) * kBlend;
  credit_ -= price_ * n;
}

void LookupDraft::sampled(int32_t token) {
  if (used_ == draft_.size()) return;
  if (draft_[used_] != token) {
    draft_.clear();
    used_ = 0;
    return;
  }
  ++used_;
  ++accepted_;
  credit_ = std::min(kMostCredit, credit_ + 1);
}

}  // namespace rustml::generation
