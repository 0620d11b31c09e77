// What a generation tells its caller: events on the way, the result at the end.
#pragma once
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "runtime/deadline.h"

namespace rustml::generation {

struct TokenLogprob {
  int32_t id;
  float logprob;
};

enum class EventKind : int32_t { prefill = 1, token = 2, stopped = 3 };
enum class Finish : int32_t { none, stop_token, stop_string, length, context_full, cancelled, deadline, callback, closed, error };
enum class Deadline : int32_t { none, total, first_token, stall, cancel };  // the one that passed

struct Event {  // views: valid until the next call on the generation
  EventKind kind = EventKind::token;
  int32_t token_id = -1;
  uint64_t position = 0;
  float logprob = NAN;
  const TokenLogprob* top = nullptr;
  uint32_t n_top = 0;
  std::string_view bytes, text;
  uint64_t done = 0, total = 0;
  Finish finish = Finish::none;
};

struct Result {
  base::Status status = base::Status::ok;
  Finish finish = Finish::none;
  Deadline deadline = Deadline::none;
  uint32_t cancel_reason = 0;
  int32_t callback_value = 0;
  uint64_t prompt_tokens = 0, generated_tokens = 0, tokens_committed = 0, prefill_tokens_skipped = 0, dropped_bytes = 0;
  double first_token_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  uint64_t peak_memory_bytes = 0, stop_latency_ns = 0;
  uint32_t pieces_after_stop = 0;
  uint64_t drafted_tokens = 0, accepted_tokens = 0;  // of prompt lookup
};

// Status, finish, reason, limit and latency of a stop that `stop` has seen.
void note_stop(Result& result, const runtime::StopSignal& stop);

}  // namespace rustml::generation
