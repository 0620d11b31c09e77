// Where a worker may run: placement_linux.cpp, placement_windows.cpp.
#pragma once
#include <cstddef>

#include "runtime/thread.h"

namespace rustml::runtime {

// Of one thread. Linux puts a thread that is woken where the waking one runs if all processors are busy, and leaves it there. On Windows
// nothing is done: a woken thread goes to its own last processor, with a raised priority.
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
