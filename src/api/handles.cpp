#include "api/handles.h"

#include <pthread.h>

#include <atomic>
#include <new>

namespace rustml::api {

using base::Status;

struct alignas(64) Slot {
  std::atomic<uint64_t> state;  // generation:28 references:20 pins:16
  Object* object = nullptr;
  CancelSlot cancel;
  std::atomic<uint32_t> next;   // free list
  std::atomic<uint32_t> epoch;  // of the process that made the handle
  std::atomic<uint8_t> type;
  uint32_t index = 0;
};

namespace {

constexpr uint64_t kPin = 1, kPins = 0xFFFF, kReference = 0x1'0000, kReferences = 0xF'FFFF'0000;
constexpr int kGenerationShift = 36, kTypeShift = 56, kSlotBits = 24;
constexpr uint32_t kChunkSlots = 1024, kMaxSlots = 1u << kSlotBits;

struct Chunk {
  Slot slots[kChunkSlots];
};

// Never destroyed: handles may be used until the very end of the process.
constinit std::atomic<Chunk*> chunks[kMaxSlots / kChunkSlots];
constinit std::atomic<uint32_t> n_fresh{1};     // slot 0 stands for the out-of-memory error
constinit std::atomic<uint64_t> free_slots{0};  // Treiber stack: tag:40 (against ABA) slot:24, 0 is the end
constinit std::atomic<uint32_t> fork_epoch{1};  // changes in every forked child
constinit std::atomic<bool> fork_watched{false};

constexpr uint32_t generation_of(uint64_t state) noexcept { return static_cast<uint32_t>(state >> kGenerationShift); }
constexpr uint64_t fresh_state(uint32_t generation) noexcept { return uint64_t{generation} << kGenerationShift; }

Slot& slot_at(uint32_t index) noexcept { return chunks[index / kChunkSlots].load(std::memory_order_acquire)->slots[index % kChunkSlots]; }

bool watch_forks() noexcept {
  if (fork_watched.exchange(true)) return true;
  if (pthread_atfork(nullptr, nullptr, [] { fork_epoch.fetch_add(1, std::memory_order_relaxed); }) == 0) return true;
  fork_watched.store(false);
  return false;
}

void push_free(Slot& slot) noexcept {
  uint64_t head = free_slots.load(std::memory_order_relaxed), next;
  do {
    slot.next.store(head & (kMaxSlots - 1), std::memory_order_relaxed);
    next = ((head >> kSlotBits) + 1) << kSlotBits | slot.index;
  } while (!free_slots.compare_exchange_weak(head, next, std::memory_order_release, std::memory_order_relaxed));
}

Slot* pop_free() noexcept {
  uint64_t head = free_slots.load(std::memory_order_acquire), next;
  do {
    if ((head & (kMaxSlots - 1)) == 0) return nullptr;
    const Slot& slot = slot_at(head & (kMaxSlots - 1));
    next = ((head >> kSlotBits) + 1) << kSlotBits | slot.next.load(std::memory_order_relaxed);
  } while (!free_slots.compare_exchange_weak(head, next, std::memory_order_acquire));
  return &slot_at(head & (kMaxSlots - 1));
}

Slot* take_fresh() noexcept {
  uint32_t index = n_fresh.load(std::memory_order_relaxed);
  do {
    if (index == kMaxSlots) return nullptr;
    auto& place = chunks[index / kChunkSlots];
    if (!place.load(std::memory_order_acquire)) {
      Chunk* made = new (std::nothrow) Chunk;
      if (!made) return nullptr;
      Chunk* none = nullptr;
      if (!place.compare_exchange_strong(none, made, std::memory_order_acq_rel)) delete made;
    }
  } while (!n_fresh.compare_exchange_weak(index, index + 1, std::memory_order_acq_rel));
  Slot& slot = slot_at(index);
  slot.index = index;
  slot.state.store(fresh_state(1), std::memory_order_relaxed);
  return &slot;
}

// The last reference and pin are gone; this thread alone got here.
void recycle(Slot& slot) noexcept {
  const uint32_t generation = generation_of(slot.state.load(std::memory_order_relaxed));
  const bool was_cancel = slot.type.load(std::memory_order_relaxed) == static_cast<uint8_t>(Type::cancel);
  Object* object = std::exchange(slot.object, nullptr);
  const bool reusable = (!was_cancel || slot.cancel.close()) && generation < kMaxGeneration;
  slot.state.store(reusable ? fresh_state(generation + 1) : 0, std::memory_order_release);
  if (reusable) push_free(slot);
  delete object;
}

struct Found {
  Status status = Status::invalid_handle;
  Slot* slot = nullptr;
  uint32_t generation = 0;
};

// Where a value of this type would live. Generation and references are the caller's to check, in one step with its change.
Found find(uint64_t handle, Type type) noexcept {
  Found found;
  const auto index = static_cast<uint32_t>(handle & (kMaxSlots - 1));
  found.generation = static_cast<uint32_t>(handle >> kSlotBits);
  if (handle >> kTypeShift != static_cast<uint8_t>(type) || found.generation == 0 || found.generation > kMaxGeneration) return found;
  if (index == 0 || index >= n_fresh.load(std::memory_order_acquire)) return found;
  found.slot = &slot_at(index);
  found.status = Status::ok;
  return found;
}

// Adds `step` to the state if the handle is valid and the count `full` (a mask, or 0) has room. `after`: the new state.
Status change(uint64_t handle, Type type, uint64_t step, uint64_t full, Slot*& slot, uint64_t& after) noexcept {
  const Found found = find(handle, type);
  if (found.status != Status::ok) return found.status;
  slot = found.slot;
  uint64_t state = slot->state.load(std::memory_order_acquire);
  do {
    if (generation_of(state) != found.generation || (state & kReferences) == 0) return Status::invalid_handle;
    if (slot->type.load(std::memory_order_relaxed) != static_cast<uint8_t>(type)) return Status::invalid_handle;
    if (slot->epoch.load(std::memory_order_relaxed) != fork_epoch.load(std::memory_order_relaxed)) return Status::forked;
    if (full != 0 && (state & full) == full) return Status::resource_exhausted;
    after = state + step;
  } while (!slot->state.compare_exchange_weak(state, after, std::memory_order_acq_rel));
  return Status::ok;
}

void recycle_if_unused(Slot& slot, uint64_t state) noexcept {
  if ((state & (kReferences | kPins)) == 0) recycle(slot);
}

}  // namespace

Pin::~Pin() {
  if (slot_) recycle_if_unused(*slot_, slot_->state.fetch_sub(kPin, std::memory_order_acq_rel) - kPin);
}
Object* Pin::object() const noexcept { return slot_->object; }
CancelSlot& Pin::cancel() const noexcept { return slot_->cancel; }

uint64_t create_handle(Type type, std::unique_ptr<Object> object) noexcept {
  if (!watch_forks()) return 0;
  Slot* slot = pop_free();
  if (!slot) slot = take_fresh();
  if (!slot) return 0;
  const uint32_t generation = generation_of(slot->state.load(std::memory_order_relaxed));
  slot->object = object.release();
  slot->type.store(static_cast<uint8_t>(type), std::memory_order_relaxed);
  slot->epoch.store(fork_epoch.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (type == Type::cancel) slot->cancel.open(generation);
  slot->state.store(fresh_state(generation) + kReference, std::memory_order_release);
  return uint64_t{static_cast<uint8_t>(type)} << kTypeShift | uint64_t{generation} << kSlotBits | slot->index;
}

Status pin_handle(uint64_t handle, Type type, Pin& pin) noexcept {
  Slot* slot = nullptr;
  uint64_t state = 0;
  const Status status = change(handle, type, kPin, kPins, slot, state);
  if (status == Status::ok) pin = Pin(slot);
  return status;
}

bool retain_handle(uint64_t handle, Type type) noexcept {
  Slot* slot = nullptr;
  uint64_t state = 0;
  return change(handle, type, kReference, kReferences, slot, state) == Status::ok;
}

Status release_handle(uint64_t handle, Type type) noexcept {
  if (handle == kOutOfMemoryError && type == Type::error) return Status::ok;
  Slot* slot = nullptr;
  uint64_t state = 0;
  const Status status = change(handle, type, -kReference, 0, slot, state);
  if (status == Status::ok) recycle_if_unused(*slot, state);
  return status;
}

Status trigger_cancel(uint64_t handle, uint32_t reason) noexcept {
  const Found found = find(handle, Type::cancel);
  if (found.status != Status::ok) return found.status;
  const uint64_t state = found.slot->state.load(std::memory_order_acquire);
  if (generation_of(state) != found.generation || (state & kReferences) == 0) return Status::invalid_handle;
  if (found.slot->epoch.load(std::memory_order_relaxed) != fork_epoch.load(std::memory_order_relaxed)) return Status::forked;
  return found.slot->cancel.trigger(found.generation, reason) ? Status::ok : Status::invalid_handle;
}

Status reset_cancel(uint64_t handle) noexcept {
  Pin pin;
  if (const Status status = pin_handle(handle, Type::cancel, pin); status != Status::ok) return status;
  return pin.cancel().reset(static_cast<uint32_t>(handle >> kSlotBits)) ? Status::ok : Status::busy;
}

bool cancel_triggered(uint64_t handle) noexcept {
  const Found found = find(handle, Type::cancel);
  if (found.status != Status::ok) return false;
  const uint64_t state = found.slot->state.load(std::memory_order_acquire);
  return (state & kReferences) != 0 && found.slot->cancel.triggered(found.generation);
}

uint32_t slots_in_memory() noexcept { return n_fresh.load(); }

void set_next_generation(uint32_t generation) noexcept {
  Slot* slot = pop_free();
  if (!slot) slot = take_fresh();
  if (!slot) return;
  slot->state.store(fresh_state(generation), std::memory_order_release);
  push_free(*slot);
}

}  // namespace rustml::api
