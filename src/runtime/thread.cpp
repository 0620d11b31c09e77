#include "runtime/thread.h"

#include <cerrno>
#include <memory>
#if defined(__unix__)
#include <signal.h>
#endif

#include "base/system_error.h"

namespace rustml::runtime {

namespace {

// A thread inherits what is blocked where it is made.
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

 private:
#if defined(__unix__)
  sigset_t before_;
#endif
};

void* run(void* work) {
  (*std::unique_ptr<std::function<void()>>(static_cast<std::function<void()>*>(work)))();
  return nullptr;
}

int start(pthread_t& thread, size_t stack_bytes, std::function<void()>* work) noexcept {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  error = pthread_attr_setstacksize(&attributes, stack_bytes);
  if (error == 0) error = pthread_create(&thread, &attributes, run, work);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

Thread::Thread(std::function<void()> work, size_t stack_bytes) {
  auto given = std::make_unique<std::function<void()>>(std::move(work));
  const BlockedSignals blocked;
  constexpr size_t kMost = size_t{8} << 20;
  size_t bytes = stack_bytes;
  int error = start(handle_, bytes, given.get());
  // EINVAL: the thread-local data of a host's libraries take more than that.
  while (error == EINVAL && bytes < kMost) error = start(handle_, bytes *= 2, given.get());
  if (error != 0) base::fail(base::status_of_errno(error), "a thread: " + base::errno_text(error));
  given.release();
  runs_ = true;
}

void Thread::join() noexcept {
  if (std::exchange(runs_, false)) pthread_join(handle_, nullptr);
}

}  // namespace rustml::runtime
