#include "generation/snapshot.h"

#include "api/callbacks.h"
#include "api/filled.h"
#include "api/guard.h"
#include "base/file_writer.h"
#include "boundary/arguments.h"
#include "boundary/structs.h"

using namespace rustml::api;
namespace base = rustml::base;

namespace {

void restore(SessionState& state, base::FileReader& source, const OutStruct<rustml_restore_info>& out, LongCall& call) {
  out.write(filled<rustml_restore_info>(state.session->restore(source, call.begin())));
}

// Takes a snapshot whose size is known; more bytes than that would be our mistake.
class Buffer {
 public:
  Buffer(uint8_t* to, uint64_t size) : to_(to), left_(size) {}
  void write(const void* data, uint64_t n) {
    if (n > left_) base::fail(Status::internal, "snapshot is longer than its size said: " + std::to_string(n - left_) + " bytes or more");
    std::memcpy(to_, data, n);
    to_ += n;
    left_ -= n;
  }
  uint64_t left() const { return left_; }

 private:
  uint8_t* to_;
  uint64_t left_;
};

}  // namespace

int32_t rustml_session_snapshot_size(rustml_session* session, uint64_t* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    require_pointer(out, "out");
    *out = 0;
    *out = scope.session(session).session->snapshot_size();
  });
}

int32_t rustml_session_snapshot_write(rustml_session* session, const rustml_sink* sink, const rustml_call_options* call,
                                      rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(sink);
    scope.adopt(call);
    const SessionState& state = scope.session(session);
    const Sink to(sink);
    LongCall long_call(call, "snapshot");
    state.session->snapshot_write([&](const void* data, uint64_t n) { to.write(data, n); }, long_call.begin());
  });
}

int32_t rustml_snapshot_probe(const rustml_source* source, rustml_snapshot_info* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(source);
    const OutStruct result(out);
    result.write(filled<rustml_snapshot_info>(rustml::generation::snapshot_probe(*open_reader(source, "source"))));
  });
}

int32_t rustml_session_restore(rustml_session* session, const rustml_source* source, rustml_restore_info* out,
                               const rustml_call_options* call, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(source);
    scope.adopt(call);
    const OutStruct result(out, true);
    SessionState& state = scope.session(session);
    const auto reader = open_reader(source, "source");
    LongCall long_call(call, "restore");
    restore(state, *reader, result, long_call);
  });
}

int32_t rustml_session_save(rustml_session* session, const char* path, uint64_t path_len, const rustml_call_options* call,
                            rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(call);
    const SessionState& state = scope.session(session);
    const std::string name = read_path(path, path_len);
    LongCall long_call(call, "snapshot");
    auto& begun = long_call.begin();
    base::FileWriter file(name);
    state.session->snapshot_write([&](const void* data, uint64_t n) { file.write(data, n); }, begun);
    file.commit();
  });
}

int32_t rustml_session_load(rustml_session* session, const char* path, uint64_t path_len, rustml_restore_info* out,
                            const rustml_call_options* call, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(call);
    const OutStruct result(out, true);
    SessionState& state = scope.session(session);
    const auto reader = base::open_file(read_path(path, path_len));
    LongCall long_call(call, "restore");
    restore(state, *reader, result, long_call);
  });
}

int32_t rustml_session_to_buffer(rustml_session* session, uint8_t* buf, uint64_t capacity, uint64_t* needed,
                                 const rustml_call_options* call, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(call);
    const OutBuffer out(buf, capacity, needed);
    const SessionState& state = scope.session(session);
    LongCall long_call(call, "snapshot");
    auto& begun = long_call.begin();
    const uint64_t size = state.session->snapshot_size();
    const Status status = out.fits(size);
    if (status != Status::ok || out.asks_size()) return status;
    Buffer to(buf, size);
    state.session->snapshot_write([&](const void* data, uint64_t n) { to.write(data, n); }, begun);
    if (to.left() != 0) base::fail(Status::internal, "snapshot is shorter than its size said: by " + std::to_string(to.left()) + " bytes");
    return Status::ok;
  });
}

int32_t rustml_session_from_buffer(rustml_session* session, const uint8_t* data, uint64_t len, rustml_restore_info* out,
                                   const rustml_call_options* call, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(call);
    const OutStruct result(out, true);
    SessionState& state = scope.session(session);
    const auto bytes = read_bytes(data, len, "data");
    const auto reader = base::open_memory(bytes.data(), bytes.size(), "snapshot in memory");
    LongCall long_call(call, "restore");
    restore(state, *reader, result, long_call);
  });
}
