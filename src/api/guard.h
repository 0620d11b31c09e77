// Every exported function runs inside guard(): the only place of the room that catches, so nothing leaves the library but
// a status. It also holds what a call holds (pins, the session's lock, callbacks to destroy) and gives it back after a
// failure has been recorded: unlock, unpin, destroy callbacks, deliver log records, return.
#pragma once
#include <cxxabi.h>

#include <exception>
#include <memory>
#include <string_view>
#include <type_traits>

#include "api/objects.h"
#include "base/error.h"
#include "base/log.h"
#include "boundary/arguments.h"
#include "rustml.h"

namespace rustml::api {

using base::Status;
using namespace boundary;

// Throws for anything but ok: "model handle is not valid: ...".
void check_handle(Status status, const char* noun);

class Scope {
 public:
  Scope() noexcept = default;
  ~Scope();
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

  // destroy(user_data) at the call's end, whatever its outcome. At most four per call.
  void adopt(void (*destroy)(void*), void* user_data) noexcept;
  void disown_all() noexcept { n_adopted_ = 0; }

  void poison() noexcept {
    if (locked_) locked_->poisoned.store(true);
  }

 private:
  template <class T>
  T& pin(const typename T::Handle* handle, const char* noun);
  void lock(const std::shared_ptr<SessionState>& state, bool only_looks);

  // A thread that is cancelled (pthread_cancel) inside a call would be unwound through code that must not be left half way:
  // cancellation waits until the call returns.
  struct Uncancelled {
    Uncancelled() noexcept;
    ~Uncancelled();
    int before;
  } uncancelled_;
  base::ApiScope api_;  // delivers log records when everything below is gone
  struct Adopted {
    void (*destroy)(void*);
    void* user_data;
  } adopted_[4];
  int n_adopted_ = 0;
  Pin pin_;
  std::shared_ptr<SessionState> locked_;
  bool unlock_ = false;
};

// A new error object; never fails (out of memory: the static one). Texts are made one line and NUL-terminated.
rustml_error* make_error(Status status, std::string_view message, std::string_view detail_json, int32_t callback_value) noexcept;

int32_t run_guarded(rustml_error** error, Status (*body)(void* context, Scope& scope), void* context);

// body(Scope&) returns ok, buffer_too_small or done, or throws; a body without a value means ok.
template <class Body>
int32_t guard(rustml_error** error, Body&& body) {
  return run_guarded(
      error,
      [](void* context, Scope& scope) -> Status {
        auto& f = *static_cast<std::remove_reference_t<Body>*>(context);
        if constexpr (std::is_void_v<decltype(f(scope))>) {
          f(scope);
          return Status::ok;
        } else {
          return f(scope);
        }
      },
      &body);
}

// A caller's function: what leaves it by a C++ exception counts as -1. A thread that ends itself is let through.
template <class F>
int32_t shielded(F&& call) {
  try {
    return call();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    return -1;
  }
}

// Runs `body` for element `index` of the caller's arrays: its refusals say which.
template <class F>
void in_element(uint64_t index, F&& body) {
  try {
    body();
  } catch (const base::Error& e) {
    throw base::Error(e.status(), "element " + std::to_string(index) + ": " + e.message(), e.detail_json(), e.callback_value());
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
