#include "generation/beam_ranking.h"

#include <algorithm>

#include "base/math.h"
#include "generation/sampler.h"

namespace rustml::generation {

namespace {

bool better(const BeamCandidate& a, const BeamCandidate& b) {
  return a.logprob != b.logprob ? a.logprob > b.logprob : a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
}

}  // namespace

bool BeamCandidates::is_stop(int32_t token) const noexcept { return std::binary_search(stop_ids_.begin(), stop_ids_.end(), token); }

void BeamCandidates::clear() noexcept {
  open_.clear();
  stops_.clear();
  bar_ = -INFINITY;
}

void BeamCandidates::gather(size_t beam, double logprob, const std::vector<float>& logits, const kernels::KernelTable& kernels) {
  const auto vocab = static_cast<int64_t>(logits.size());
  require_usable(logits.data(), vocab, kernels);
  const float largest = kernels.max(logits.data(), vocab);
  const double base = logprob - largest - base::natural_log(kernels.sum_exp(logits.data(), vocab, largest));
  for (const int32_t id : stop_ids_)
    if (const double with = base + logits[static_cast<size_t>(id)]; with > -INFINITY) stops_.push_back({beam, id, with});
  for (int32_t id = 0; id < vocab; ++id) {
    const double with = base + logits[static_cast<size_t>(id)];
    if (with < bar_ || with == -INFINITY || is_stop(id)) continue;
    open_.push_back({beam, id, with});
    if (open_.size() >= 4 * static_cast<size_t>(kMaxBeamWidth)) prune();
  }
}

void BeamCandidates::prune() {
  if (open_.size() <= width_) return;
  const auto last = open_.begin() + width_;
  std::nth_element(open_.begin(), last - 1, open_.end(), better);
  open_.erase(last, open_.end());
  bar_ = open_.back().logprob;
}

std::vector<BeamCandidate> BeamCandidates::ranked() {
  prune();
  std::vector<BeamCandidate> all = open_;
  all.insert(all.end(), stops_.begin(), stops_.end());
  std::sort(all.begin(), all.end(), better);
  return all;
}

double FinishedBeams::score(double logprob, uint64_t length) const {
  return logprob / base::power(static_cast<double>(length), static_cast<double>(options_.length_penalty));
}

void FinishedBeams::keep(const BeamPath& path, const BeamCandidate& c, uint64_t length, Finish finish) {
  const bool stops = finish == Finish::stop_token;
  FinishedBeam f{path, stops ? -1 : c.token, stops ? c.token : -1, finish, c.logprob, score(c.logprob, length)};
  const auto at =
      std::upper_bound(best_.begin(), best_.end(), f, [](const FinishedBeam& a, const FinishedBeam& b) { return a.score > b.score; });
  best_.insert(at, std::move(f));
  if (best_.size() > options_.width) best_.pop_back();
}

bool FinishedBeams::settled(double logprob, uint64_t length, uint64_t longest) const {
  if (best_.size() < options_.width) return false;
  if (options_.early_stopping == EarlyStopping::first) return true;
  const bool at_longest = options_.early_stopping == EarlyStopping::never && options_.length_penalty > 0;
  return score(logprob, at_longest ? longest : length) <= best_.back().score;
}

}  // namespace rustml::generation
