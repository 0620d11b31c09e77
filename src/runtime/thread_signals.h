// The host's signal handlers never run on threads of ours: a thread inherits what is blocked where it is made.
#pragma once
#if defined(__unix__)
#include <pthread.h>
#include <signal.h>
#endif

namespace rustml::runtime {

class BlockedSignals {
 public:
  BlockedSignals() noexcept {
#if defined(__unix__)
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
#endif
  }
  ~BlockedSignals() {
#if defined(__unix__)
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
#endif
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
#if defined(__unix__)
  sigset_t before_;
#endif
};

}  // namespace rustml::runtime
