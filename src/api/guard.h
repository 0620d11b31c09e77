// What a call of this library holds (pins, the session's lock, callbacks to destroy). It gives it back after a failure has been
// recorded: unlock, unpin, destroy callbacks, deliver log records, return.
#pragma once
#include <cxxabi.h>

#include <exception>
#include <memory>

#include "api/objects.h"
#include "base/error.h"
#include "base/log.h"
#include "boundary/guard.h"
#include "rustml.h"

namespace rustml::api {

using base::Status;
using namespace boundary;

class Scope {
 public:
  Scope() noexcept = default;
  ~Scope() noexcept(false);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Objects are kept until the call's end. One object per call.
  generation::Engine& model(const rustml_model* handle);
  const std::shared_ptr<generation::Engine>& shared_model(const rustml_model* handle);
  // Locked for this call: busy, poisoned.
  SessionState& session(const rustml_session* handle);
  GenerationObject& generation(const rustml_generation* handle);
  // Not locked, for what is published: beside a running call, in its callbacks, and when poisoned.
  const SessionState& session_beside_calls(const rustml_session* handle);
  // For functions that only look: also legal in a callback of the call that runs, and when poisoned.
  GenerationObject& generation_to_look_at(const rustml_generation* handle);
  const Pin& pinned() const noexcept { return pin_; }
  const std::shared_ptr<SessionState>& locked() const noexcept { return locked_; }

  template <class T>
  void adopt(const T* given) noexcept {
    adopted_.adopt(given);
  }
  void disown_all() noexcept { adopted_.disown_all(); }

  void poison() noexcept {
    if (locked_) locked_->poisoned.store(true);
  }

 private:
  template <class T>
  T& pin(const typename T::Handle* handle, const char* noun);
  void lock(const std::shared_ptr<SessionState>& state, bool only_looks);

  CancellationHeld cancellation_;
  base::ApiScope api_;  // delivers log records when everything below is gone
  Adopted adopted_;
  Pin pin_;
  std::shared_ptr<SessionState> locked_;
  bool unlock_ = false;
};

// Every exported function is body(Scope&) inside this: what it throws is its status. It returns ok, buffer_too_small or done; without a
// value it means ok. A failure of ours poisons the session.
template <class Body>
int32_t guard(rustml_error** error, Body&& body) {
  Scope scope;
  const int32_t status = as_status(error, [&] { return body(scope); });
  if (status == RUSTML_INTERNAL) scope.poison();
  return status;
}

// The same of a call that was given something to destroy at its end.
template <class Given, class Body>
int32_t guard(rustml_error** error, const Given* given, Body&& body) {
  return guard(error, [&](Scope& scope) {
    scope.adopt(given);
    return body(scope);
  });
}

// Runs `body` for element `index` of the caller's arrays: its refusals say which, in the detail too.
template <class F>
void in_element(uint64_t index, F&& body) {
  try {
    body();
  } catch (const base::Error& e) {
    const std::string at = std::to_string(index), &detail = e.detail_json();
    throw base::Error(e.status(), "element " + at + ": " + e.message(),
                      "{\"element\":" + at + (detail.size() > 2 ? "," + detail.substr(1) : "}"), e.callback_value());
  }
}

// What `body` throws, to be thrown again later; null if nothing.
template <class F>
std::exception_ptr caught(F&& body) {
  try {
    body();
    return nullptr;
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace rustml::api
