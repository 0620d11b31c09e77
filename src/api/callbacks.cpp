#include "api/callbacks.h"

#include <cmath>
#include <string>

#include "boundary/structs.h"

namespace rustml::api {
namespace {

constexpr uint64_t kProgressInterval_ns = 200'000'000;  // "a few a second at most"

template <class T>
void adopt_struct(Scope& scope, const T* given) noexcept {
  T seen;
  if (peek_struct(given, seen)) scope.adopt(seen.destroy, seen.user_data);
}

rustml_call_options checked(const rustml_call_options* given) {
  const rustml_call_options options = read_struct(given);
  require_flags(options.flags, 0, "rustml_call_options.flags");
  return options;
}

}  // namespace

void adopt(Scope& scope, const rustml_callback* callback) noexcept { adopt_struct(scope, callback); }
void adopt(Scope& scope, const rustml_reader* reader) noexcept { adopt_struct(scope, reader); }
void adopt(Scope& scope, const rustml_sink* sink) noexcept { adopt_struct(scope, sink); }

void adopt(Scope& scope, const rustml_call_options* call) noexcept {
  rustml_call_options seen;
  if (peek_struct(call, seen)) adopt(scope, seen.progress);
}

Callback::Callback(const rustml_callback* given, const char* name) {
  if (!given) return;
  const rustml_callback callback = read_struct(given);
  require_zero(callback.reserved0, "rustml_callback.reserved0");
  if (!callback.on_event) base::fail(Status::invalid_argument, std::string(name) + ".on_event is NULL; pass no callback instead");
  on_event_ = callback.on_event;
  user_data_ = callback.user_data;
}

rustml_event blank_event(int32_t kind) noexcept {
  rustml_event event{};
  event.struct_size = sizeof event;
  event.kind = kind;
  event.token_id = -1;
  event.logprob = NAN;
  event.bytes = "";
  event.text = "";
  event.time_ns = runtime::now_ns();
  return event;
}

std::unique_ptr<base::FileReader> open_reader(const rustml_reader* given, const char* name) {
  require_pointer(given, name);
  const rustml_reader reader = read_struct(given);
  require_zero(reader.reserved0, "rustml_reader.reserved0");
  require_pointer(reinterpret_cast<const void*>(reader.read_at), "rustml_reader.read_at");
  const auto read = [reader](uint64_t offset, void* buf, uint64_t n) {
    return shielded([&] { return reader.read_at(reader.user_data, offset, buf, n); });
  };
  return base::open_callback(read, reader.size, name);
}

Sink::Sink(const rustml_sink* given) {
  require_pointer(given, "sink");
  sink_ = read_struct(given);
  require_zero(sink_.reserved0, "rustml_sink.reserved0");
  require_pointer(reinterpret_cast<const void*>(sink_.write), "rustml_sink.write");
}

void Sink::write(const void* data, uint64_t n) const {
  const int32_t value = shielded([&] { return sink_.write(sink_.user_data, data, n); });
  if (value != 0) throw base::Error(Status::callback_stop, "sink stopped the write by returning " + std::to_string(value), {}, value);
}

LongCall::LongCall(const rustml_call_options* options, const char* subject)
    : subject_(subject),
      options_(checked(options)),
      cancel_(options_.cancel),
      running_(cancel_),
      stop_(cancel_.flag(), options_.deadline_ns),
      progress_(options_.progress, "rustml_call_options.progress"),
      call_{stop_, {}} {
  if (progress_) call_.progress = [this](uint64_t done, uint64_t total) { report(done, total); };
}

runtime::Call& LongCall::begin() {
  stop_.check(subject_);
  return call_;
}

void LongCall::report(uint64_t done, uint64_t total) {
  const uint64_t now = runtime::now_ns();
  if (done < total && reported_ns_ != 0 && now - reported_ns_ < kProgressInterval_ns) return;
  reported_ns_ = now;
  rustml_event event = blank_event(RUSTML_EVENT_PROGRESS);
  event.done = done;
  event.total = total;
  const int32_t value = progress_(event);
  if (value != 0)
    throw base::Error(Status::callback_stop, std::string(subject_) + " stopped: the progress callback returned " + std::to_string(value),
                      {}, value);
}

}  // namespace rustml::api
