// From logits to the next token. The steps, each of which always leaves one token; equal values go by token id:
//   logit bias -> repetition, presence, frequency penalty -> temperature -> top-k -> typical -> top-p -> min-p -> draw.
// They mean what transformers' processors of the same names mean, presence and frequency what OpenAI's API means.
// Everything is serial and a pure function of (options, logits, tokens, position): no generator state, and the counts of
// the penalties are only a cache of the tokens. Nothing is allocated after construction.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "generation/events.h"
#include "generation/options.h"
#include "kernels/kernels.h"

namespace rustml::generation {

struct Logprobs {
  float chosen;                        // natural log of the token's probability
  std::span<const TokenLogprob> best;  // best first; valid until the next call on the sampler
};

// data_loss unless some logit is finite and all others are -inf.
void require_usable(const float* logits, int64_t vocab, const kernels::KernelTable& kernels);

class Sampler {
 public:
  // `options` are validated (options.h). Logits have `vocab` values.
  Sampler(const SamplingOptions& options, int32_t vocab, const kernels::KernelTable& kernels);

  // tokens: all of the session's so far, prompt included, ids in [0, vocab); between calls they may only grow, else reset()
  // first. position: index of the token to come. data_loss: a logit is NaN or +inf, or all are -inf.
  int32_t sample(const float* logits, std::span<const int32_t> tokens, uint64_t position);
  // Forgets the tokens seen: the next call may bring others.
  void reset() noexcept;

  // Under the model's own softmax, before every step above: of `token`, and of the options.logprobs most probable ones.
  Logprobs logprobs(const float* logits, int32_t token);

 private:
  struct Candidate {
    int32_t id;
    float key;     // what a filter ranks by; higher is better
    float weight;  // exp(score): the probability times a common factor
  };

  void count(std::span<const int32_t> tokens);
  void add_count(int32_t id);
  void drop_count(int32_t id);
  void adjust();

  double choose_candidates();
  void gather_above(float score);
  void keep_typical(double total);
  void keep_mass(double share, double total);
  void keep_min_p();
  double candidate_total() const;

  const SamplingOptions options_;
  const int32_t vocab_;
  const kernels::KernelTable& kernels_;
  const bool penalties_, adjusts_, greedy_;
  const bool top_k_, filters_;  // top-k limits anything; any filter is on

  std::vector<float> scores_;          // [vocab] adjusted logits, then (logit - largest) / temperature: at most 0
  std::vector<float> weights_;         // [vocab] exp(scores)
  std::vector<Candidate> candidates_;  // what the filters left so far
  std::vector<TokenLogprob> best_;

  std::vector<uint32_t> counts_;  // [vocab] how often each token occurs in tokens [begin_, end_)
  std::vector<uint32_t> slots_;   // [vocab] index in present_ of a token with a count
  std::vector<int32_t> present_;  // the tokens with a count, in no particular order
  size_t begin_ = 0, end_ = 0;
};

}  // namespace rustml::generation
