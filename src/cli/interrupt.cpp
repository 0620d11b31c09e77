// The handler touches two lock-free atomics, rustml_cancel_trigger (async-signal-safe by contract) and _exit.
#include "cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "cli/exit_code.h"

namespace rustml::cli {
namespace {

enum State : int { kIdle, kArmed, kFired };
std::atomic<int> state{kIdle};
std::atomic<rustml_cancel*> active{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<rustml_cancel*>::is_always_lock_free);

void on_interrupt(int) {
  int armed = kArmed;
  if (!state.compare_exchange_strong(armed, kFired)) _exit(kExitInterrupt);
  rustml_cancel_trigger(active.load(), RUSTML_CANCEL_REASON_USER);
}

}  // namespace

Interrupt::Interrupt() {
  rustml_cancel* handle = nullptr;
  call([&](rustml_error** error) { return rustml_cancel_create(&handle, error); });
  cancel_.reset(handle);
  active = handle;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

Interrupt::~Interrupt() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGINT, &action, nullptr);
  active = nullptr;
}

void Interrupt::arm() {
  if (fired()) {
    call([&](rustml_error** error) { return rustml_cancel_reset(cancel(), error); });
  }
  state = kArmed;
}

void Interrupt::disarm() noexcept {
  int armed = kArmed;
  state.compare_exchange_strong(armed, kIdle);
}

bool Interrupt::fired() const noexcept { return state == kFired; }

}  // namespace rustml::cli
