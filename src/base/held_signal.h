// One signal kept from this thread for as long as the object lives, and forgotten if it came. No handler of the host runs, the
// default action ends no process, and nothing of it is changed for other threads. Only for signals that the kernel sends to
// the thread itself, as SIGXFSZ.
#pragma once
#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <ctime>

namespace rustml::base {

class HeldSignal {
 public:
  explicit HeldSignal(int number) noexcept {
    sigemptyset(&held_);
    sigaddset(&held_, number);
    pthread_sigmask(SIG_BLOCK, &held_, &before_);
    sigset_t pending;
    if (sigismember(&before_, number) == 1 && sigpending(&pending) == 0) was_pending_ = sigismember(&pending, number) == 1;
  }
  ~HeldSignal() {
    const int error = errno;  // of the call that was guarded
    const timespec at_once{};
    if (!was_pending_) sigtimedwait(&held_, nullptr, &at_once);  // one that the host had left waiting is still its own
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  HeldSignal(const HeldSignal&) = delete;
  HeldSignal& operator=(const HeldSignal&) = delete;

 private:
  sigset_t held_, before_;
  bool was_pending_ = false;
};

}  // namespace rustml::base
