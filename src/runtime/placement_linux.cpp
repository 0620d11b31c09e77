#include <pthread.h>
#include <sched.h>

#include <cstring>

#include "runtime/placement.h"

namespace rustml::runtime {

void Placement::avoid_mine(const Thread& thread) noexcept {
  static_assert(sizeof(cpu_set_t) <= sizeof usual_);
  const int mine = sched_getcpu();
  if (mine == avoided_ || mine < 0 || mine >= CPU_SETSIZE) return;
  cpu_set_t mask;
  if (avoided_ < 0) {
    if (pthread_getaffinity_np(thread.handle(), sizeof mask, &mask) != 0) return;  // more processors than a mask has
    std::memcpy(usual_, &mask, sizeof mask);
  }
  std::memcpy(&mask, usual_, sizeof mask);
  CPU_CLR(mine, &mask);
  if (CPU_COUNT(&mask) > 0 && pthread_setaffinity_np(thread.handle(), sizeof mask, &mask) == 0) avoided_ = mine;
}

void Placement::restore(const Thread& thread) noexcept {
  if (avoided_ < 0) return;
  cpu_set_t mask;
  std::memcpy(&mask, usual_, sizeof mask);
  pthread_setaffinity_np(thread.handle(), sizeof mask, &mask);
  avoided_ = -1;
}

}  // namespace rustml::runtime
