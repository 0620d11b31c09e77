#include "api/objects.h"

#include "api/guard.h"

namespace rustml::api {
SessionState::Lock SessionState::try_lock() noexcept {
  const pthread_t me = pthread_self();
  pthread_t owner = kNobody;
  if (owner_.compare_exchange_strong(owner, me)) return Lock::taken;
  return owner == me ? Lock::mine : Lock::busy;
}

// A generation pushed while the lock was held is closed here; one pushed after the check finds the lock free itself.
void SessionState::unlock() noexcept {
  do {
    close_pending();
    publish();
    owner_.store(kNobody);
  } while (pending_.load() != nullptr && try_lock() == Lock::taken);
}

void SessionState::publish() noexcept {
  const generation::SessionInfo now = session->info();
  const std::lock_guard hold(publishing_);
  info_ = now;
}

generation::SessionInfo SessionState::published() const noexcept {
  const std::lock_guard hold(publishing_);
  return info_;
}

void SessionState::close(std::unique_ptr<Closing> closing) noexcept {
  Closing* const pushed = closing.release();
  pushed->next = pending_.load();
  while (!pending_.compare_exchange_weak(pushed->next, pushed)) {
  }
  if (try_lock() == Lock::taken) unlock();
}

void SessionState::close_pending() noexcept {
  for (Closing* closing = pending_.exchange(nullptr); closing;) {
    const std::unique_ptr<Closing> owned(closing);
    closing = closing->next;
  }
}

CancelUse::CancelUse(const rustml_cancel* handle) {
  if (handle) check_handle(pin_handle(value_of(handle), Type::cancel, pin_), "cancel");
}

CancelUse::Running::Running(const CancelUse& use) {
  if (!use.pin_) return;
  if (!use.pin_.cancel().begin_call()) base::fail(base::Status::busy, "cancel handle is being reset by another call; try again");
  slot_ = &use.pin_.cancel();
}

}  // namespace rustml::api
