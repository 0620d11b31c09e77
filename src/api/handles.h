// Handles: values, never addresses. Bits 48-52 type, 24-47 generation (from 1), 0-23 slot of a lock-free table whose memory
// is never freed or moved, so any 64-bit value may be looked up: it finds its object or is refused. All lie in [2^48, 2^53):
// above the addresses that a process gets without asking, and exact as doubles, which is how JavaScript engines keep pointers.
//
// Slots come in ranges that this copy of the library alone has (slot_range.h), so another copy's handle finds nothing here.
//
// A slot's state is one word: generation, references of the user, pins of running calls. A handle is valid while it has
// references; the object lives until references and pins are both gone, and then the thread that dropped the last destroys
// it. Nobody waits. A slot whose generation would wrap is never used again.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>

#include "api/cancel_slot.h"
#include "base/error.h"

namespace rustml::api {

enum class Type : uint8_t { model = 1, session = 2, generation = 3, cancel = 4, error = 5 };

class Object {
 public:
  virtual ~Object() = default;
};

struct Slot;

// Keeps an object while a call runs, or while something that was given the handle lives.
class Pin {
 public:
  Pin() = default;
  explicit Pin(Slot* slot) noexcept : slot_(slot) {}
  Pin(Pin&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  Pin& operator=(Pin&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~Pin();
  explicit operator bool() const noexcept { return slot_ != nullptr; }
  Object* object() const noexcept;
  CancelSlot& cancel() const noexcept;

 private:
  Slot* slot_ = nullptr;
};

// A new handle with one reference; 0 when out of memory, and `object` is destroyed then.
uint64_t create_handle(Type type, std::unique_ptr<Object> object) noexcept;
// ok, invalid_handle, forked, or resource_exhausted (65,535 calls on this object at once).
base::Status pin_handle(uint64_t handle, Type type, Pin& pin) noexcept;
bool retain_handle(uint64_t handle, Type type) noexcept;
base::Status release_handle(uint64_t handle, Type type) noexcept;

// Async-signal-safe. ok, invalid_handle or forked.
base::Status trigger_cancel(uint64_t handle, uint32_t reason) noexcept;
base::Status reset_cancel(uint64_t handle) noexcept;                     // also busy
base::Status cancel_reason(uint64_t handle, uint32_t& reason) noexcept;  // 0: not triggered; told of a forked one too

constexpr int kSlotBits = 24, kTypeShift = 48;
constexpr uint32_t kMaxGeneration = (1u << (kTypeShift - kSlotBits)) - 1;

constexpr uint64_t pack_handle(Type type, uint32_t generation, uint32_t slot) noexcept {
  return uint64_t{static_cast<uint8_t>(type)} << kTypeShift | uint64_t{generation} << kSlotBits | slot;
}
constexpr uint32_t slot_of(uint64_t handle) noexcept { return static_cast<uint32_t>(handle) & ((1u << kSlotBits) - 1); }
constexpr uint32_t generation_of(uint64_t handle) noexcept { return static_cast<uint32_t>(handle >> kSlotBits) & kMaxGeneration; }
// Whatever lies above the type's bits makes it no type.
constexpr bool has_type(uint64_t handle, Type type) noexcept { return handle >> kTypeShift == static_cast<uint8_t>(type); }

// The out-of-memory error: always valid, not counted, takes no memory, the same in every copy of the library.
constexpr uint64_t kOutOfMemoryError = pack_handle(Type::error, 1, 0);

template <class C>
uint64_t value_of(const C* handle) noexcept {
  return reinterpret_cast<uint64_t>(handle);
}

// For tests: how many slots were ever taken from fresh memory, and the next generation of the slot that is reused next.
uint32_t slots_in_memory() noexcept;
void set_next_generation(uint32_t generation) noexcept;

}  // namespace rustml::api
