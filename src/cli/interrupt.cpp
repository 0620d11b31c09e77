// The handler touches two lock-free atomics, rustml_cancel_trigger (async-signal-safe by contract) and end_at_once.
#include "cli/interrupt.h"

#include <atomic>

#include "cli/exit_code.h"
#include "cli/system.h"

namespace rustml::cli {
namespace {

enum State : int { kIdle, kArmed, kFired };
std::atomic<int> state{kIdle};
std::atomic<rustml_cancel*> active{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<rustml_cancel*>::is_always_lock_free);

void stop_or_end() {
  int armed = kArmed;
  if (!state.compare_exchange_strong(armed, kFired)) end_at_once(kExitInterrupt);
  rustml_cancel_trigger(active.load(), RUSTML_CANCEL_REASON_USER);
}

}  // namespace

Interrupt::Interrupt() {
  rustml_cancel* handle = nullptr;
  call([&](rustml_error** error) { return rustml_cancel_create(&handle, error); });
  cancel_.reset(handle);
  active = handle;
  on_interrupt(stop_or_end);
}

Interrupt::~Interrupt() {
  on_interrupt(nullptr);
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
