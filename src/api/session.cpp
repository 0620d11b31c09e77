#include "api/callbacks.h"
#include "api/events.h"
#include "api/guard.h"
#include "api/options.h"

using namespace rustml::api;
using rustml::generation::Session;

namespace {

rustml_session* new_session(std::shared_ptr<rustml::generation::Engine> engine, std::shared_ptr<Session> session) {
  return hand_out(std::make_unique<SessionObject>(std::make_shared<SessionState>(std::move(engine), std::move(session))));
}

}  // namespace

int32_t rustml_session_create(rustml_model* model, const rustml_session_options* options, rustml_session** out,
                              const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    clear_out(out);
    const auto& engine = scope.shared_model(model);
    const auto session_options = to_session_options(options);
    LongCall long_call(call, "session creation");
    *out = new_session(engine, std::make_shared<Session>(engine, session_options));
  });
}

rustml_session* rustml_session_retain(rustml_session* session) {
  return retain_handle(value_of(session), Type::session) ? session : nullptr;
}

int32_t rustml_session_release(rustml_session* session) {
  return guard(nullptr, [&](Scope&) { return session ? release_handle(value_of(session), Type::session) : Status::ok; });
}

int32_t rustml_session_reset(rustml_session* session, rustml_error** error) {
  return guard(error, [&](Scope& scope) { scope.session(session).session->reset(); });
}

int32_t rustml_session_rewind(rustml_session* session, uint64_t n_tokens, rustml_error** error) {
  return guard(error, [&](Scope& scope) { scope.session(session).session->rewind(n_tokens); });
}

int32_t rustml_session_fork(rustml_session* session, rustml_session** out, const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    clear_out(out);
    SessionState& state = scope.session(session);
    LongCall long_call(call, "session fork");
    auto copy = state.session->fork(long_call.call());
    *out = new_session(state.engine, std::move(copy));
  });
}

int32_t rustml_session_get_info(const rustml_session* session, rustml_session_info* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutStruct result(out);
    const SessionState& state = scope.session_beside_calls(session);
    auto info = filled<rustml_session_info>(state.published());
    if (state.poisoned.load()) info.poisoned = 1;
    result.write(info);
  });
}

int32_t rustml_session_tokens(rustml_session* session, int32_t* ids, uint64_t capacity, uint64_t* needed, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutBuffer out(ids, capacity, needed);
    const auto& tokens = scope.session(session).session->tokens();
    return out.fill(tokens.data(), tokens.size());
  });
}

int32_t rustml_session_eval(rustml_session* session, const int32_t* ids, uint64_t n, const rustml_call_options* call,
                            rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    SessionState& state = scope.session(session);
    const auto input = read_ids(ids, n, "ids");
    LongCall long_call(call, "eval");
    state.session->eval(input.data(), input.size(), long_call.call());
  });
}

int32_t rustml_session_logits(rustml_session* session, float* logits, uint64_t capacity, uint64_t* needed, const rustml_call_options* call,
                              rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    const OutBuffer out(logits, capacity, needed);
    SessionState& state = scope.session(session);
    LongCall long_call(call, "logits");
    const auto& values = state.session->logits(&long_call.call());
    return out.fill(values.data(), values.size());
  });
}
