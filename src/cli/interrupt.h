// Ctrl-C: the first one stops what runs, the next one ends the program.
#pragma once
#include "cli/client.h"

namespace rustml::cli {

// One at a time per process; installs the handler for its lifetime. Also makes writes to a closed pipe fail instead of
// ending the process by SIGPIPE.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  rustml_cancel* cancel() const noexcept { return cancel_.get(); }
  // From here the first Ctrl-C triggers cancel(). Call it while nothing runs.
  void arm();
  // From here a Ctrl-C ends the program.
  void disarm() noexcept;
  bool fired() const noexcept;

 private:
  Cancel cancel_;
};

}  // namespace rustml::cli
