#include "boundary/guard.h"

#include <pthread.h>

#include <exception>
#include <new>
#include <string>

#include "boundary/library.h"

namespace rustml::boundary {

#define SAME(name, NAME) static_assert(static_cast<int32_t>(Status::name) == RUSTML_##NAME)
SAME(ok, OK);
SAME(cancelled, CANCELLED);
SAME(invalid_argument, INVALID_ARGUMENT);
SAME(deadline_exceeded, DEADLINE_EXCEEDED);
SAME(not_found, NOT_FOUND);
SAME(permission_denied, PERMISSION_DENIED);
SAME(resource_exhausted, RESOURCE_EXHAUSTED);
SAME(failed_precondition, FAILED_PRECONDITION);
SAME(out_of_range, OUT_OF_RANGE);
SAME(unimplemented, UNIMPLEMENTED);
SAME(internal, INTERNAL);
SAME(unavailable, UNAVAILABLE);
SAME(data_loss, DATA_LOSS);
SAME(busy, BUSY);
SAME(invalid_handle, INVALID_HANDLE);
SAME(abi_mismatch, ABI_MISMATCH);
SAME(poisoned, POISONED);
SAME(forked, FORKED);
SAME(callback_stop, CALLBACK_STOP);
SAME(buffer_too_small, BUFFER_TOO_SMALL);
SAME(done, DONE);
#undef SAME

void check_handle(Status status, const char* noun) {
  const std::string handle = std::string(noun) + " handle";
  switch (status) {
    case Status::ok: return;
    case Status::forked: base::fail(status, handle + " was made before fork() and this is the child; make a new one here");
    case Status::resource_exhausted: base::fail(status, handle + " is in use by 65535 calls at once; that is the limit");
    default: base::fail(status, handle + " is not valid: it is NULL, was released, or belongs to another type");
  }
}

CancellationHeld::CancellationHeld() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
CancellationHeld::~CancellationHeld() {
  int ignored;
  pthread_setcancelstate(before_, &ignored);
}

void Adopted::adopt(const rustml_call_options* call) noexcept {
  rustml_call_options seen;
  if (peek_struct(call, seen)) adopt(seen.progress);
}

Adopted::~Adopted() noexcept(false) {
  for (int i = 0; i < n_; ++i) shielded([&] { return given_[i].destroy(given_[i].user_data), 0; });
}

int32_t as_status(rustml_error** error, Status (*body)(void* context), void* context) {
  if (error) *error = nullptr;
  const auto failed = [&](Status status, std::string_view message, std::string_view detail = {}, int32_t value = 0) noexcept {
    if (error) *error = make_error(status, message, detail, value);
    return static_cast<int32_t>(status);
  };
  try {
    return static_cast<int32_t>(body(context));
  } catch (const base::Error& e) {
    return failed(e.status(), e.message(), e.detail_json(), e.callback_value());
  } catch (const std::bad_alloc&) {
    return failed(Status::resource_exhausted, "memory is exhausted: the system refused an allocation");
  } catch (const std::exception& e) {
    return failed(Status::internal, e.what());
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread ends itself in a callback (pthread_exit): the system insists on going on
  } catch (...) {
    return failed(Status::internal, "unknown failure");
  }
}

}  // namespace rustml::boundary
