// One answer, streamed: what run and chat share.
#pragma once
#include <string>

#include "cli/client.h"
#include "cli/word_wrap.h"

namespace rustml::cli {

struct Answer {
  int32_t status = RUSTML_OK;  // RUSTML_OK, RUSTML_CANCELLED or RUSTML_DEADLINE_EXCEEDED
  std::string message;         // of the last two
  std::string text;
  rustml_result result{};
};

// An answer that Ctrl-C or a deadline ended; throws any other failure.
void take_stop(Answer& answer, const Failure& failure);

// Encodes the prompt; nothing is evaluated yet. Throws Failure: OUT_OF_RANGE if the context cannot hold the prompt.
Generation start_answer(rustml_session* session, const rustml_prompt& prompt, const rustml_generation_options& options);
rustml_result result_of(const Generation& generation);  // also before its first token: prompt_tokens is known then

// Prints the answer as it is made, text (through `wrap`, if it is given) or NDJSON, which names the seed. Throws Failure (also when the
// generation itself fails) and OutputClosed.
Answer stream_answer(const Generation& generation, uint64_t seed, bool json, double load_seconds, WordWrap* wrap = nullptr);

}  // namespace rustml::cli
