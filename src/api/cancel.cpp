#include "api/guard.h"
#include "boundary/private.h"

using namespace rustml::api;

int32_t rustml_cancel_create(rustml_cancel** out, rustml_error** error) {
  return guard(error, [&](Scope&) {
    clear_out(out);
    const uint64_t value = create_handle(Type::cancel, nullptr);
    if (value == 0) throw std::bad_alloc();
    *out = reinterpret_cast<rustml_cancel*>(value);
  });
}

// These three run in signal handlers: no guard, no lock, no memory, no log.
int32_t rustml_cancel_trigger(rustml_cancel* cancel, uint32_t reason) {
  if (reason == 0) return RUSTML_INVALID_ARGUMENT;
  return static_cast<int32_t>(trigger_cancel(value_of(cancel), reason));
}

int32_t rustml_private_cancel_reason(const rustml_cancel* cancel, uint32_t* reason) {
  return static_cast<int32_t>(cancel_reason(value_of(cancel), *reason));
}

uint32_t rustml_cancel_is_triggered(const rustml_cancel* cancel) {
  uint32_t reason;
  cancel_reason(value_of(cancel), reason);
  return reason != 0 ? 1 : 0;
}

int32_t rustml_cancel_reset(rustml_cancel* cancel, rustml_error** error) {
  return guard(error, [&](Scope&) {
    const Status status = reset_cancel(value_of(cancel));
    if (status == Status::busy) rustml::base::fail(status, "cancel handle is attached to a running call; reset it when that has returned");
    check_handle(status, "cancel");
  });
}

rustml_cancel* rustml_cancel_retain(rustml_cancel* cancel) { return retain_handle(value_of(cancel), Type::cancel) ? cancel : nullptr; }

int32_t rustml_cancel_release(rustml_cancel* cancel) {
  return cancel ? static_cast<int32_t>(release_handle(value_of(cancel), Type::cancel)) : RUSTML_OK;
}
