// What surrounds every exported function: nothing leaves a library but a status (as_status).
#pragma once
#include <cxxabi.h>
#include <rustml.h>

#include <type_traits>

#include "base/error.h"
#include "boundary/structs.h"

namespace rustml::boundary {

using base::Status;

// Throws for anything but ok: "model handle is not valid: ...".
void check_handle(Status status, const char* noun);

// A thread that is cancelled (pthread_cancel) inside a call would be unwound through code that must not be left half way:
// cancellation waits until the call returns.
class CancellationHeld {
 public:
  CancellationHeld() noexcept;
  ~CancellationHeld();
  CancellationHeld(const CancellationHeld&) = delete;
  CancellationHeld& operator=(const CancellationHeld&) = delete;

 private:
  int before_;
};

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

// What a call was given and has to destroy at its end, once, whatever its outcome: so a call adopts before anything can fail. A struct
// is readable if its pointer and struct_size make sense and `destroy` lies inside it. At most four per call.
class Adopted {
 public:
  Adopted() noexcept = default;
  ~Adopted() noexcept(false);  // a thread may end itself in `destroy`
  Adopted(const Adopted&) = delete;
  Adopted& operator=(const Adopted&) = delete;

  // A rustml_callback, rustml_reader or rustml_sink.
  template <class T>
  void adopt(const T* given) noexcept {
    T seen;
    if (peek_struct(given, seen) && seen.destroy) given_[n_++] = {seen.destroy, seen.user_data};
  }
  void adopt(const rustml_call_options* call) noexcept;  // its progress callback
  void disown_all() noexcept { n_ = 0; }

 private:
  struct {
    void (*destroy)(void*);
    void* user_data;
  } given_[4];
  int n_ = 0;
};

// Runs body(context). What it throws is the status, and becomes an error object.
int32_t as_status(rustml_error** error, Status (*body)(void* context), void* context);

// body() returns ok, buffer_too_small or done, or throws; a body without a value means ok.
template <class Body>
int32_t as_status(rustml_error** error, Body&& body) {
  return as_status(
      error,
      [](void* context) -> Status {
        auto& f = *static_cast<std::remove_reference_t<Body>*>(context);
        if constexpr (std::is_void_v<decltype(f())>) {
          f();
          return Status::ok;
        } else {
          return f();
        }
      },
      &body);
}

}  // namespace rustml::boundary
