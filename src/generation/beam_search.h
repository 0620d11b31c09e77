// Beam search: the `width` most probable continuations are followed together; the best finished ones are the result. What is
// finished, kept and scored, and when it ends, is as in transformers' generate(num_beams=...).
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "generation/events.h"
#include "generation/session.h"

namespace rustml::generation {

constexpr uint32_t kMaxBeamWidth = 64;
constexpr float kMaxLengthPenalty = 10;  // either sign

// When `width` hypotheses are finished, go on while a running one, ...
enum class EarlyStopping : int32_t {
  heuristic,  // scored at its present length, could still beat the worst of them (transformers: False)
  first,      // not at all (True)
  never,      // at the length that is best for it, could beat the worst of them ("never")
};

struct BeamOptions {
  uint32_t width = 4, n_best = 1;
  float length_penalty = 1;
  EarlyStopping early_stopping = EarlyStopping::heuristic;
  uint64_t max_tokens = 0;  // 0: until the context is full
  std::vector<int32_t> stop_ids;
  bool ignore_eos = false, rollback = false;
};

struct Hypothesis {
  std::vector<int32_t> tokens;  // behind the prompt, without the stop token
  std::string text;             // complete UTF-8
  int32_t stop_id = -1;
  Finish finish = Finish::none;  // stop_token, length, context_full; how the search was stopped if it still ran
  double logprob = 0;            // sum over its tokens, the stop token included
  double score = 0;              // logprob / n^length_penalty, n counts the stop token
};

struct BeamOutcome {
  Result result;                       // generated_tokens: of the best hypothesis
  std::vector<Hypothesis> hypotheses;  // at most n_best, best first; may be empty
};

// done of total tokens, of the prompt or of the longest possible answer. Anything but 0 stops the search.
using BeamProgress = std::function<int32_t(bool prefill, uint64_t done, uint64_t total)>;

// Fills `out` whatever happens, then throws for cancelled, deadline, callback_stop and failures; of a search stopped by one of
// the first three, the hypotheses are the best so far. Afterwards the session holds the prompt and the best hypothesis, with
// rollback or after a failure its old tokens.
void beam_search(Session& session, const Prompt& prompt, const BeamOptions& options, const Limits& limits, const BeamProgress& progress,
                 BeamOutcome& out);

}  // namespace rustml::generation
