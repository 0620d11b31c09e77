#include "api/guard.h"

#include <pthread.h>

#include <cstring>
#include <new>

namespace rustml::api {

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
    case Status::ok:
      return;
    case Status::forked:
      base::fail(status, handle + " was made before fork() and this is the child; make a new one here");
    case Status::resource_exhausted:
      base::fail(status, handle + " is in use by 65535 calls at once; that is the limit");
    default:
      base::fail(status, handle + " is not valid: it is NULL, was released, or belongs to another type");
  }
}

Scope::Uncancelled::Uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); }
Scope::Uncancelled::~Uncancelled() {
  int ignored;
  pthread_setcancelstate(before, &ignored);
}

Scope::~Scope() {
  if (unlock_) locked_->unlock();
  locked_.reset();
  pin_ = Pin();
  for (int i = 0; i < n_adopted_; ++i) shielded([&] { return adopted_[i].destroy(adopted_[i].user_data), 0; });
}

template <class T>
T& Scope::pin(const typename T::Handle* handle, const char* noun) {
  Pin pin;
  check_handle(pin_handle(value_of(handle), T::kType, pin), noun);
  pin_ = std::move(pin);
  return *static_cast<T*>(pin_.object());
}

void Scope::lock(const std::shared_ptr<SessionState>& state, bool only_looks) {
  const auto lock = state->try_lock();
  if (lock == SessionState::Lock::busy || (lock == SessionState::Lock::mine && !only_looks))
    base::fail(Status::busy, "session is running another call; one call at a time, wait for it or stop it with a cancel handle");
  if (lock == SessionState::Lock::mine) return;  // unlocked by the call that this thread is inside of
  locked_ = state;
  unlock_ = true;
  if (state->poisoned.load() && !only_looks)
    base::fail(Status::poisoned, "session failed internally before; release it and create a new one");
}

const std::shared_ptr<generation::Engine>& Scope::shared_model(const rustml_model* handle) {
  return pin<ModelObject>(handle, "model").engine;
}
generation::Engine& Scope::model(const rustml_model* handle) { return *shared_model(handle); }

SessionState& Scope::session(const rustml_session* handle) {
  const auto& state = pin<SessionObject>(handle, "session").state;
  lock(state, false);
  return *state;
}

GenerationObject& Scope::generation(const rustml_generation* handle) {
  auto& object = pin<GenerationObject>(handle, "generation");
  lock(object.state, false);
  return object;
}

const SessionState& Scope::session_beside_calls(const rustml_session* handle) { return *pin<SessionObject>(handle, "session").state; }

GenerationObject& Scope::generation_to_look_at(const rustml_generation* handle) {
  auto& object = pin<GenerationObject>(handle, "generation");
  lock(object.state, true);
  return object;
}

void Scope::adopt(void (*destroy)(void*), void* user_data) noexcept {
  if (destroy) adopted_[n_adopted_++] = {destroy, user_data};
}

int32_t run_guarded(rustml_error** error, Status (*body)(void* context, Scope& scope), void* context) {
  if (error) *error = nullptr;
  Scope scope;
  const auto failed = [&](Status status, std::string_view message, std::string_view detail = {}, int32_t value = 0) noexcept {
    if (status == Status::internal) scope.poison();
    if (error) *error = make_error(status, message, detail, value);
    return static_cast<int32_t>(status);
  };
  try {
    return static_cast<int32_t>(body(context, scope));
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

}  // namespace rustml::api
