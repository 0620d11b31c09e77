// A prompt's way into a session and back out: what a generation and a beam search share.
#pragma once
#include <vector>

#include "generation/session.h"

namespace rustml::generation {

// Ids of a prompt for this session. invalid_argument: it has no tokens; out_of_range: more than the context holds.
tokenizer::Encoding encode_prompt(const Session& session, const Prompt& prompt, runtime::StopSignal& stop);

// Sorted, each once: `ids` and, unless ignore_eos, the model's own.
std::vector<int32_t> stop_tokens(std::vector<int32_t> ids, bool ignore_eos, const tokenizer::Tokenizer& tokenizer);

// The prompt replaces the session's tokens behind what both begin with; what parts there is put away until the end, so that
// undo can bring it back. Session and prompt outlive this.
class PromptRun {
 public:
  // back: of the run that a snapshot was taken of, which this one continues.
  PromptRun(Session& session, const std::vector<int32_t>& prompt, WayBack back = {})
      : session_(session), prompt_(prompt), back_(std::move(back)) {}

  bool begun() const noexcept { return back_.begun; }
  const WayBack& back() const noexcept { return back_; }
  // Returns ready(). The session holds cells (hold) until the caller's unhold().
  uint64_t begin();
  // How many tokens of the prompt need no evaluation.
  uint64_t ready() const noexcept;
  bool done() const noexcept { return session_.evaluated() >= prompt_.size(); }
  // Evaluates the next chunk. False: stopped.
  bool advance(runtime::StopSignal& stop);
  // Back to the tokens before begin().
  void undo() noexcept;

 private:
  Session& session_;
  const std::vector<int32_t>& prompt_;
  WayBack back_;
};

}  // namespace rustml::generation
