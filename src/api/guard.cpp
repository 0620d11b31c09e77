#include "api/guard.h"

namespace rustml::api {

Scope::~Scope() noexcept(false) {
  if (unlock_) locked_->unlock();
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

}  // namespace rustml::api
