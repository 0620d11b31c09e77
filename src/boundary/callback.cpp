#include "boundary/callback.h"

#include <cmath>

namespace rustml::boundary {

namespace {
constexpr uint64_t kProgressInterval_ns = 200'000'000;  // "a few a second at most"
}

rustml_event blank_event(int32_t kind) noexcept {
  rustml_event event{};
  event.struct_size = sizeof event;
  event.kind = kind;
  event.token_id = -1;
  event.logprob = NAN;
  event.bytes = "";
  event.text = "";
  event.time_ns = rustml_now_ns();
  return event;
}

Callback::Callback(const rustml_callback* given, const char* name) {
  if (!given) return;
  const rustml_callback callback = read_struct(given);
  if (!callback.on_event)
    base::fail(Status::invalid_argument, std::string(name) + ".on_event is NULL; pass no callback instead",
               base::refusal_detail(std::string(name) + ".on_event", "NULL", "a function; pass no callback instead"));
  on_event_ = callback.on_event;
  user_data_ = callback.user_data;
}

rustml_call_options read_call_options(const rustml_call_options* given) {
  const rustml_call_options options = read_struct(given);
  require_flags(options.flags, 0, "rustml_call_options.flags");
  return options;
}

Progress::Progress(const rustml_call_options& options, const char* subject)
    : callback_(options.progress, "rustml_call_options.progress"), subject_(subject) {}

void Progress::report(uint64_t done, uint64_t total) {
  if (!callback_) return;
  rustml_event event = blank_event(RUSTML_EVENT_PROGRESS);
  if (done < total && reported_ns_ != 0 && event.time_ns - reported_ns_ < kProgressInterval_ns) return;
  reported_ns_ = event.time_ns;
  event.done = done;
  event.total = total;
  deliver(event);
}

void Progress::deliver(const rustml_event& event) const {
  const int32_t value = callback_ ? callback_(event) : 0;
  if (value != 0)
    throw base::Error(Status::callback_stop, std::string(subject_) + " stopped: the progress callback returned " + std::to_string(value),
                      {}, value);
}

}  // namespace rustml::boundary
