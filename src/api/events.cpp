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

}  // namespace rustml::api
