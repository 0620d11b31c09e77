// The system's own numbers: pthread_key_create is winpthreads', of which each copy may have its own.
#include "api/slot_range.h"
#include "base/windows.h"

namespace rustml::api {

uint32_t claim_slot_range() noexcept {
  const DWORD key = TlsAlloc();
  if (key == TLS_OUT_OF_INDEXES) return kNoSlotRange;
  if (key < kSlotRanges) return key;
  TlsFree(key);
  return kNoSlotRange;
}

void return_slot_range(uint32_t range) noexcept { TlsFree(range); }

}  // namespace rustml::api
