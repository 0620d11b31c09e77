// Which slots of the table of handles are this copy's. Two copies of the library in one process share no symbol, yet no two may
// give out the same handle. So each takes its slots in ranges whose numbers the process itself hands out, each number once: those of
// thread-local keys, of which nothing else is used. slot_range_linux.cpp, slot_range_windows.cpp.
#pragma once
#include <cstdint>

namespace rustml::api {

constexpr uint32_t kSlotRanges = 1u << 11;  // glibc has 1024 keys, Windows 1088
constexpr uint32_t kNoSlotRange = UINT32_MAX;

// Below kSlotRanges and nobody else's until it is given back; kNoSlotRange when the process has no key left.
uint32_t claim_slot_range() noexcept;
void return_slot_range(uint32_t range) noexcept;  // one with which no handle was ever made

}  // namespace rustml::api
