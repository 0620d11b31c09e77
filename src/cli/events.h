// The NDJSON lines of --json; events.schema.json describes them. A run prints load, token lines, then done or error.
#pragma once
#include <rustml.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/client.h"

namespace rustml::cli {

struct Loaded;

std::string load_event(std::string_view path, const Loaded& loaded);
std::string token_event(const rustml_event& event);
// `text` is what was held back and comes with the end; `stop_id` the stop token, -1 if none ended it.
std::string done_event(const rustml_result& result, std::string_view text, int32_t stop_id, uint64_t seed, double load_seconds);
// chat: the oldest turns, which do not fit any more.
std::string dropped_event(uint64_t n_turns, uint64_t n_tokens, uint64_t context);
// A BEAM event.
std::string beam_event(const rustml_event& event);

struct BatchAnswer {
  std::string text, error;  // error: why it failed or was stopped; empty: it was not
  uint64_t generated_tokens = 0;
  int32_t finish = RUSTML_FINISH_NONE, stop_id = -1;
};
// `index`: of the prompt in its file, from 0.
std::string result_event(uint64_t index, const BatchAnswer& answer);
std::string error_event(const Failure& failure);

}  // namespace rustml::cli
