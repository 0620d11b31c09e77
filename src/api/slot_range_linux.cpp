#include <pthread.h>

#include "api/slot_range.h"

namespace rustml::api {

uint32_t claim_slot_range() noexcept {
  pthread_key_t key;
  if (pthread_key_create(&key, nullptr) != 0) return kNoSlotRange;
  if (key < kSlotRanges) return key;
  pthread_key_delete(key);
  return kNoSlotRange;
}

void return_slot_range(uint32_t range) noexcept { pthread_key_delete(range); }

}  // namespace rustml::api
