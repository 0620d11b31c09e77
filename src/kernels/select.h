// Which of the available tables to use. Finding out what is available asks the system for nothing; using "amx" does.
#pragma once
#include "kernels/kernels.h"

namespace rustml::kernels {

// True before anything of a table runs: "amx" asks Linux for the tile registers, once per process, which may refuse. The
// permission is for good, and from then on Linux refuses alternate signal stacks that are too small for the tiles: so only
// who is going to use a table asks. All others are ready.
bool ready(const KernelTable& table) noexcept;
// The first of available() that is ready.
const KernelTable& best() noexcept;

}  // namespace rustml::kernels
