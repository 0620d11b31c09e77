// What handles stand for. A SessionState is shared by its session handle and the handles of its generations: one call at a
// time runs on all of them, and a failure of ours in one poisons all.
#pragma once
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "api/handles.h"
#include "generation/generation.h"
#include "rustml.h"

namespace rustml::api {

// A generation to be closed: the last release may come while another thread runs a call on its session, and then that
// call closes it. Made together with the generation, so that a release needs no memory.
struct Closing {
  std::shared_ptr<generation::Generation> generation;
  Closing* next = nullptr;
};

class SessionState {
 public:
  SessionState(std::shared_ptr<generation::Engine> e, std::shared_ptr<generation::Session> s) noexcept
      : engine(std::move(e)), session(std::move(s)), info_(session->info()) {}
  ~SessionState() { close_pending(); }

  enum class Lock { taken, busy, mine };  // mine: held by a call that this thread is inside of, in a callback
  Lock try_lock() noexcept;
  void unlock() noexcept;
  // What any thread may look at while a call runs: the figures of now, published at every call's end and, inside a call, at
  // every event of a generation. By the thread that holds the lock.
  void publish() noexcept;
  generation::SessionInfo published() const noexcept;
  // Closes now or, while a call runs, at its end. Any thread, waits for nobody.
  void close(std::unique_ptr<Closing> closing) noexcept;

  const std::shared_ptr<generation::Engine> engine;
  const std::shared_ptr<generation::Session> session;
  std::atomic<bool> poisoned{false};

 private:
  void close_pending() noexcept;
  static constexpr pthread_t kNobody = 0;  // no thread of glibc
  std::atomic<pthread_t> owner_{kNobody};  // the thread whose call runs
  std::atomic<Closing*> pending_{nullptr};
  mutable std::mutex publishing_;  // held to copy a few words, never while anything else happens
  generation::SessionInfo info_;
};

struct ModelObject final : Object {
  using Handle = rustml_model;
  static constexpr Type kType = Type::model;
  explicit ModelObject(std::shared_ptr<generation::Engine> e) noexcept : engine(std::move(e)) {}
  const std::shared_ptr<generation::Engine> engine;
};

struct SessionObject final : Object {
  using Handle = rustml_session;
  static constexpr Type kType = Type::session;
  explicit SessionObject(std::shared_ptr<SessionState> s) noexcept : state(std::move(s)) {}
  const std::shared_ptr<SessionState> state;
};

// The cancel handle given in options: kept alive, and marked as in use while a call polls it.
class CancelUse {
 public:
  CancelUse() = default;
  explicit CancelUse(const rustml_cancel* handle);  // NULL: none; throws invalid_handle, forked
  const runtime::CancelFlag* flag() const noexcept { return pin_ ? &pin_.cancel().flag() : nullptr; }

  class Running {
   public:
    explicit Running(const CancelUse& use);  // throws busy while the handle is being reset
    ~Running() {
      if (slot_) slot_->end_call();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    CancelSlot* slot_ = nullptr;
  };

 private:
  Pin pin_;
};

struct GenerationObject final : Object {
  using Handle = rustml_generation;
  static constexpr Type kType = Type::generation;
  GenerationObject(std::shared_ptr<SessionState> s, CancelUse c)
      : state(std::move(s)), cancel(std::move(c)), closing(std::make_unique<Closing>()) {}
  ~GenerationObject() override {
    const std::shared_ptr<SessionState> keep = state;
    if (closing->generation) keep->close(std::move(closing));
  }
  generation::Generation& generation() const noexcept { return *closing->generation; }

  const std::shared_ptr<SessionState> state;
  const CancelUse cancel;
  std::unique_ptr<Closing> closing;
  std::vector<rustml_token_logprob> top;  // of the last event
};

// A new handle for `object`; throws std::bad_alloc.
template <class T>
typename T::Handle* hand_out(std::unique_ptr<T> object) {
  const uint64_t value = create_handle(T::kType, std::move(object));
  if (value == 0) throw std::bad_alloc();
  return reinterpret_cast<typename T::Handle*>(value);
}

}  // namespace rustml::api
