#include "api/handles.h"

#include <pthread.h>

#include <atomic>
#include <new>

#include "api/slot_range.h"

namespace rustml::api {

using base::Status;

struct alignas(64) Slot {
  std::atomic<uint64_t> state;  // generation:24 references:20 pins:16
  Object* object = nullptr;
  CancelSlot cancel;
  std::atomic<uint32_t> next;   // free list
  std::atomic<uint32_t> epoch;  // of the process that made the handle
  std::atomic<uint8_t> type;
  uint32_t index = 0;
};

namespace {

constexpr uint64_t kPin = 1, kPins = 0xFFFF, kReference = 0x1'0000, kReferences = 0xF'FFFF'0000;
constexpr int kGenerationShift = 36;
constexpr uint32_t kChunkSlots = 1024, kMaxSlots = 1u << kSlotBits, kRangeSlots = kMaxSlots / kSlotRanges;
constexpr uint32_t kMaxRanges = 128;  // a million handles at once: a host that leaks them keeps most of its keys
static_assert(kRangeSlots % kChunkSlots == 0);

struct Chunk {
  Slot slots[kChunkSlots];
};

// Never destroyed: handles may be used until the very end of the process.
constinit std::atomic<Chunk*> chunks[kMaxSlots / kChunkSlots];
constinit std::atomic<uint32_t> next_fresh{0};  // the first of a range means that the one before is used up: it is never taken
constinit std::atomic<uint32_t> n_ranges{0}, n_fresh{0};
constinit std::atomic<uint64_t> free_slots{0};  // Treiber stack: tag:40 (against ABA) slot:24, 0 is the end
constinit std::atomic<uint32_t> fork_epoch{1};  // changes in every forked child
constinit std::atomic<bool> fork_watched{false};

constexpr uint32_t state_generation(uint64_t state) noexcept { return static_cast<uint32_t>(state >> kGenerationShift); }
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

// Where generations of a slot begin: at another place for each address, so that a handle's neighbours are nobody's, and so that
// copies for which dlmopen loaded a libc each, with keys of its own, hardly ever meet. Half of all generations at least remain.
uint32_t first_generation(const Slot& slot) noexcept {
  constexpr uint64_t kGoldenRatio = 0x9E37'79B9'7F4A'7C15;  // of 2^64: products of neighbours lie far apart in their highest bits
  return 1 + static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&slot) / sizeof(Slot) * kGoldenRatio >> 41);  // 23 bits
}

// Moves next_fresh, which was `used_up`, into a range of this copy's own. False: there is none.
bool begin_range(uint32_t& used_up) noexcept {
  if (n_ranges.load(std::memory_order_relaxed) >= kMaxRanges) return false;
  const uint32_t range = claim_slot_range();
  if (range == kNoSlotRange) return false;
  const uint32_t first = range * kRangeSlots + 1;
  if (next_fresh.compare_exchange_strong(used_up, first, std::memory_order_acq_rel)) {
    n_ranges.fetch_add(1, std::memory_order_relaxed);
    used_up = first;
  } else {
    return_slot_range(range);  // another thread was first
  }
  return true;
}

Slot* take_fresh() noexcept {
  uint32_t index = next_fresh.load(std::memory_order_relaxed);
  do {
    while (index % kRangeSlots == 0)
      if (!begin_range(index)) return nullptr;
    auto& place = chunks[index / kChunkSlots];
    if (!place.load(std::memory_order_acquire)) {
      Chunk* made = new (std::nothrow) Chunk;
      if (!made) return nullptr;
      Chunk* none = nullptr;
      if (!place.compare_exchange_strong(none, made, std::memory_order_acq_rel)) delete made;
    }
  } while (!next_fresh.compare_exchange_weak(index, index + 1, std::memory_order_acq_rel));
  n_fresh.fetch_add(1, std::memory_order_relaxed);
  Slot& slot = slot_at(index);
  slot.index = index;
  slot.state.store(fresh_state(first_generation(slot)), std::memory_order_relaxed);
  return &slot;
}

// The last reference and pin are gone; this thread alone got here.
void recycle(Slot& slot) noexcept {
  const uint32_t generation = state_generation(slot.state.load(std::memory_order_relaxed));
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
  uint64_t state = 0;  // after a change
};

// Where a value of this type would live. Generation and references are the caller's to check, in one step with its change.
Found find(uint64_t handle, Type type) noexcept {
  Found found;
  const uint32_t index = slot_of(handle);
  found.generation = generation_of(handle);
  Chunk* chunk = chunks[index / kChunkSlots].load(std::memory_order_acquire);
  if (!has_type(handle, type) || found.generation == 0 || !chunk) return found;
  found.slot = &chunk->slots[index % kChunkSlots];
  found.status = Status::ok;
  return found;
}

// Adds `step` to the state if the handle is valid and the count `full` (a mask, or 0) has room.
Found change(uint64_t handle, Type type, uint64_t step, uint64_t full) noexcept {
  Found found = find(handle, type);
  if (found.status != Status::ok) return found;
  const auto refused = [&](Status why) noexcept {
    found.status = why;
    return found;
  };
  uint64_t state = found.slot->state.load(std::memory_order_acquire);
  do {
    if (state_generation(state) != found.generation || (state & kReferences) == 0) return refused(Status::invalid_handle);
    if (found.slot->type.load(std::memory_order_relaxed) != static_cast<uint8_t>(type)) return refused(Status::invalid_handle);
    if (found.slot->epoch.load(std::memory_order_relaxed) != fork_epoch.load(std::memory_order_relaxed)) return refused(Status::forked);
    if (full != 0 && (state & full) == full) return refused(Status::resource_exhausted);
    found.state = state + step;
  } while (!found.slot->state.compare_exchange_weak(state, found.state, std::memory_order_acq_rel));
  return found;
}

// The slot of a valid cancel handle, without pinning it.
Found find_cancel(uint64_t handle) noexcept {
  Found found = find(handle, Type::cancel);
  if (found.status != Status::ok) return found;
  const uint64_t state = found.slot->state.load(std::memory_order_acquire);
  if (state_generation(state) != found.generation || (state & kReferences) == 0)
    found.status = Status::invalid_handle;
  else if (found.slot->epoch.load(std::memory_order_relaxed) != fork_epoch.load(std::memory_order_relaxed))
    found.status = Status::forked;
  return found;
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
  const uint32_t generation = state_generation(slot->state.load(std::memory_order_relaxed));
  slot->object = object.release();
  slot->type.store(static_cast<uint8_t>(type), std::memory_order_relaxed);
  slot->epoch.store(fork_epoch.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (type == Type::cancel) slot->cancel.open(generation);
  slot->state.store(fresh_state(generation) + kReference, std::memory_order_release);
  return pack_handle(type, generation, slot->index);
}

Status pin_handle(uint64_t handle, Type type, Pin& pin) noexcept {
  const Found found = change(handle, type, kPin, kPins);
  if (found.status == Status::ok) pin = Pin(found.slot);
  return found.status;
}

bool retain_handle(uint64_t handle, Type type) noexcept { return change(handle, type, kReference, kReferences).status == Status::ok; }

Status release_handle(uint64_t handle, Type type) noexcept {
  if (handle == kOutOfMemoryError && type == Type::error) return Status::ok;
  const Found found = change(handle, type, -kReference, 0);
  if (found.status == Status::ok) recycle_if_unused(*found.slot, found.state);
  return found.status;
}

Status trigger_cancel(uint64_t handle, uint32_t reason) noexcept {
  const Found found = find_cancel(handle);
  if (found.status != Status::ok) return found.status;
  return found.slot->cancel.trigger(found.generation, reason) ? Status::ok : Status::invalid_handle;
}

Status reset_cancel(uint64_t handle) noexcept {
  Pin pin;
  if (const Status status = pin_handle(handle, Type::cancel, pin); status != Status::ok) return status;
  return pin.cancel().reset(generation_of(handle)) ? Status::ok : Status::busy;
}

Status cancel_reason(uint64_t handle, uint32_t& reason) noexcept {
  const Found found = find_cancel(handle);
  reason = found.status == Status::invalid_handle ? 0 : found.slot->cancel.triggered(found.generation);
  return found.status;
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
