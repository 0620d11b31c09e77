#include "api/callbacks.h"

#include <string>

namespace rustml::api {

std::unique_ptr<base::FileReader> open_reader(const rustml_reader* given, const char* name) {
  require_pointer(given, name);
  const rustml_reader reader = read_struct(given);
  require_pointer(reinterpret_cast<const void*>(reader.read_at), "rustml_reader.read_at");
  const auto read = [reader](uint64_t offset, void* buf, uint64_t n) {
    return shielded([&] { return reader.read_at(reader.user_data, offset, buf, n); });
  };
  return base::open_callback(read, reader.size, name);
}

Sink::Sink(const rustml_sink* given) {
  require_pointer(given, "sink");
  sink_ = read_struct(given);
  require_pointer(reinterpret_cast<const void*>(sink_.write), "rustml_sink.write");
}

void Sink::write(const void* data, uint64_t n) const {
  const int32_t value = shielded([&] { return sink_.write(sink_.user_data, data, n); });
  if (value != 0) throw base::Error(Status::callback_stop, "sink stopped the write by returning " + std::to_string(value), {}, value);
}

LongCall::LongCall(const rustml_call_options* options, const char* subject)
    : options_(read_call_options(options)),
      cancel_(options_.cancel),
      running_(cancel_),
      stop_(cancel_.flag(), options_.deadline_ns),
      progress_(options_, subject),
      call_{stop_, {}} {
  if (progress_) call_.progress = [this](uint64_t done, uint64_t total) { progress_.report(done, total); };
  stop_.check(subject);
}

}  // namespace rustml::api
