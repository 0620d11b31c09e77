#include "api/callbacks.h"
#include "api/events.h"
#include "api/guard.h"
#include "base/file_writer.h"

using namespace rustml::api;
namespace base = rustml::base;

namespace {

// What the three ways to restore have in common; `open()` opens.
template <class Open>
void restore(Scope& scope, rustml_session* session, rustml_restore_info* out, const rustml_call_options* call, Open&& open) {
  const OutStruct result(out, true);
  SessionState& state = scope.session(session);
  const auto reader = open();
  LongCall long_call(call, "restore");
  result.write(filled<rustml_restore_info>(state.session->restore(*reader, long_call.call())));
}

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
  return guard(error, sink, [&](Scope& scope) {
    scope.adopt(call);
    const SessionState& state = scope.session(session);
    const Sink to(sink);
    LongCall long_call(call, "snapshot");
    state.session->snapshot_write([&](const void* data, uint64_t n) { to.write(data, n); }, long_call.call());
  });
}

int32_t rustml_snapshot_probe(const rustml_source* source, rustml_snapshot_info* out, rustml_error** error) {
  return guard(error, source, [&](Scope&) {
    const OutStruct result(out);
    result.write(filled<rustml_snapshot_info>(rustml::generation::snapshot_probe(*open_reader(source, "source"))));
  });
}

int32_t rustml_session_restore(rustml_session* session, const rustml_source* source, rustml_restore_info* out,
                               const rustml_call_options* call, rustml_error** error) {
  return guard(error, source, [&](Scope& scope) {
    scope.adopt(call);
    restore(scope, session, out, call, [&] { return open_reader(source, "source"); });
  });
}

int32_t rustml_session_save(rustml_session* session, const char* path, uint64_t path_len, const rustml_call_options* call,
                            rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    const SessionState& state = scope.session(session);
    const std::string name = read_path(path, path_len);
    LongCall long_call(call, "snapshot");
    base::FileWriter file(name);
    state.session->snapshot_write([&](const void* data, uint64_t n) { file.write(data, n); }, long_call.call());
    file.commit();
  });
}

int32_t rustml_session_load(rustml_session* session, const char* path, uint64_t path_len, rustml_restore_info* out,
                            const rustml_call_options* call, rustml_error** error) {
  return guard(error, call,
               [&](Scope& scope) { restore(scope, session, out, call, [&] { return base::open_file(read_path(path, path_len)); }); });
}

int32_t rustml_session_to_buffer(rustml_session* session, uint8_t* buf, uint64_t capacity, uint64_t* needed,
                                 const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    const OutBuffer out(buf, capacity, needed);
    const SessionState& state = scope.session(session);
    LongCall long_call(call, "snapshot");
    const uint64_t size = state.session->snapshot_size();
    const Status status = out.fits(size);
    if (status != Status::ok || out.asks_size()) return status;
    uint64_t left = size;
    const auto write = [&](const void* data, uint64_t n) {
      if (n > left) base::fail(Status::internal, "snapshot is longer than its size said: " + std::to_string(n - left) + " bytes or more");
      std::memcpy(buf + (size - left), data, n);
      left -= n;
    };
    state.session->snapshot_write(write, long_call.call());
    if (left != 0) base::fail(Status::internal, "snapshot is shorter than its size said: by " + std::to_string(left) + " bytes");
    return Status::ok;
  });
}

int32_t rustml_session_from_buffer(rustml_session* session, const uint8_t* data, uint64_t len, rustml_restore_info* out,
                                   const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    restore(scope, session, out, call, [&] {
      const auto bytes = read_bytes(data, len, "data");
      return base::open_memory(bytes.data(), bytes.size(), "snapshot in memory");
    });
  });
}
