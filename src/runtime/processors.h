// The processors of this machine, and where a thread may run: processors_linux.cpp, processors_windows.cpp.
#pragma once
#include <cstddef>
#include <string>

#include "runtime/thread.h"

namespace rustml::runtime {

// Physical cores of this process's affinity mask, on Linux at most the CPU quota of its control groups (rounded up); at least 1. Where the
// system does not tell which processors share a core, every processor counts.
int usable_cores();

// Linux only. The least CPU quota, in processors, of the groups in a file like /proc/self/cgroup and of those they lie in; version 1 and 2,
// below `mount`. Infinite: none.
double quota_processors(const std::string& groups_of_process, const std::string& mount);

// Where one thread may run. Linux puts a thread that is woken where the waking one runs if all processors are busy, and leaves it there. On
// Windows nothing is done: a woken thread goes to its own last processor, with a raised priority.
class Placement {
 public:
  // Off the processor that the calling thread is on, if the thread has another.
  void avoid_mine(const Thread& thread) noexcept;
  // Wherever it could be before.
  void restore(const Thread& thread) noexcept;

 private:
  alignas(8) std::byte usual_[128];  // a mask of processors, once one is avoided
  int avoided_ = -1;
};

}  // namespace rustml::runtime
