// run --beams: the best of several answers followed together, instead of one sampled token after another.
#pragma once
#include "cli/answer.h"
#include "cli/arguments.h"

namespace rustml::cli {

struct BeamArguments {
  uint32_t width = 0;     // 0: no beam search
  uint32_t n_return = 0;  // with --json; 0: as many as beams
  float length_penalty = 1;
  int32_t early_stopping = RUSTML_EARLY_STOPPING_HEURISTIC;
};

void add_beam_options(Options& options, BeamArguments& arguments);
// Throws Failure for options that do not go together.
void check_beams(const BeamArguments& beams, const SamplingArguments& sampling, bool json);

// Of `limits` max_tokens, ignore_eos, cancel and deadline count. Prints the best answer, or all as NDJSON. Stopped by Ctrl-C or
// --timeout: the best so far. Throws Failure and OutputClosed.
Answer beam_answer(rustml_session* session, const rustml_prompt& prompt, const BeamArguments& beams,
                   const rustml_generation_options& limits, bool json, double load_seconds);

}  // namespace rustml::cli
