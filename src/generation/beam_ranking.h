// Which beams go on and which hypotheses stay, as in transformers' generate(num_beams=...).
#pragma once
#include <cmath>
#include <vector>

#include "generation/beam_search.h"
#include "generation/beam_tree.h"

namespace rustml::generation {

// One token that may follow a beam.
struct BeamCandidate {
  size_t beam;
  int32_t token;
  double logprob;  // of the beam with it
};

// The candidates of one step: all that end here, and of those that go on the best `width`.
class BeamCandidates {
 public:
  BeamCandidates(uint32_t width, std::vector<int32_t> stop_ids) : width_(width), stop_ids_(std::move(stop_ids)) {}  // sorted

  void clear() noexcept;
  // What follows beam `beam`, whose tokens have `logprob`.
  void gather(size_t beam, double logprob, const std::vector<float>& logits, const kernels::KernelTable& kernels);
  // Best first; equal ones by beam, then token.
  std::vector<BeamCandidate> ranked();
  bool is_stop(int32_t token) const noexcept;

 private:
  void prune();

  const uint32_t width_;
  const std::vector<int32_t> stop_ids_;
  std::vector<BeamCandidate> open_, stops_;
  double bar_ = -INFINITY;  // below it no candidate goes on
};

struct FinishedBeam {
  BeamPath path;
  int32_t last = -1;  // token behind the path; -1: none
  int32_t stop_id = -1;
  Finish finish = Finish::none;
  double logprob = 0, score = 0;
  uint64_t length() const noexcept { return path.length() + (last >= 0 ? 1 : 0); }
};

// The finished hypotheses, best first; the best `width` stay.
class FinishedBeams {
 public:
  explicit FinishedBeams(const BeamOptions& options) : options_(options) {}

  // length: tokens of the path and the candidate's, which is a stop token if that is why it finished.
  void keep(const BeamPath& path, const BeamCandidate& candidate, uint64_t length, Finish finish);
  // No beam that goes on can change them: the best of those has `logprob` at `length` tokens, and none exceeds `longest`.
  bool settled(double logprob, uint64_t length, uint64_t longest) const;
  const std::vector<FinishedBeam>& best() const noexcept { return best_; }

 private:
  double score(double logprob, uint64_t length) const;

  const BeamOptions& options_;
  std::vector<FinishedBeam> best_;
};

}  // namespace rustml::generation
