#include "api/events.h"

#include "api/callbacks.h"

namespace rustml::api {

rustml_event to_event(const generation::Event& event, std::vector<rustml_token_logprob>& top) {
  rustml_event out = blank_event(static_cast<int32_t>(event.kind));
  top.clear();
  for (uint32_t i = 0; i < event.n_top; ++i) top.push_back({event.top[i].id, event.top[i].logprob});
  out.token_id = event.token_id;
  out.position = event.position;
  out.logprob = event.logprob;
  out.n_top = event.n_top;
  out.top = top.empty() ? nullptr : top.data();
  if (!event.bytes.empty()) out.bytes = event.bytes.data();
  out.bytes_len = event.bytes.size();
  if (!event.text.empty()) out.text = event.text.data();
  out.text_len = event.text.size();
  out.done = event.done;
  out.total = event.total;
  out.finish = static_cast<int32_t>(event.finish);
  return out;
}

rustml_result to_result(const generation::Result& result) {
  rustml_result out{};
  out.status = static_cast<int32_t>(result.status);
  out.finish = static_cast<int32_t>(result.finish);
  out.deadline = static_cast<int32_t>(result.deadline);
  out.cancel_reason = result.cancel_reason;
  out.callback_value = result.callback_value;
  out.prompt_tokens = result.prompt_tokens;
  out.generated_tokens = result.generated_tokens;
  out.tokens_committed = result.tokens_committed;
  out.prefill_tokens_skipped = result.prefill_tokens_skipped;
  out.dropped_bytes = result.dropped_bytes;
  out.first_token_seconds = result.first_token_seconds;
  out.prefill_seconds = result.prefill_seconds;
  out.decode_seconds = result.decode_seconds;
  out.peak_memory_bytes = result.peak_memory_bytes;
  out.stop_latency_ns = result.stop_latency_ns;
  out.pieces_after_stop = result.pieces_after_stop;
  out.drafted_tokens = result.drafted_tokens;
  out.accepted_tokens = result.accepted_tokens;
  return out;
}

}  // namespace rustml::api
