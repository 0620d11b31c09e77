// A thread of our own. std::thread cannot say how much stack it takes: 8 MiB of address space on one system, 128 KiB on another.
#pragma once
#include <pthread.h>

#include <cstddef>
#include <functional>
#include <utility>

namespace rustml::runtime {

// Our work needs no more than a call does of its caller's stack (include/rustml.h) except where a thread is made for that; from this the
// C library takes the thread-local data of all libraries in the process too.
constexpr size_t kThreadStackBytes = 256 * 1024;

class Thread {
 public:
  Thread() = default;
  // `work` must not throw. The host's signal handlers never run on it. An Error: the system gives no thread.
  explicit Thread(std::function<void()> work, size_t stack_bytes = kThreadStackBytes);
  Thread(Thread&& other) noexcept : handle_(other.handle_), runs_(std::exchange(other.runs_, false)) {}
  Thread& operator=(Thread&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(runs_, other.runs_);
    return *this;
  }
  ~Thread() { join(); }

  void join() noexcept;  // nothing if there is none
  pthread_t handle() const noexcept { return handle_; }

 private:
  pthread_t handle_{};
  bool runs_ = false;
};

}  // namespace rustml::runtime
