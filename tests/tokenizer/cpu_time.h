// Processor time of this program: how much work a text makes does not depend on who else uses the machine, or on whether it stands
// still for a while.
#pragma once
#include <ctime>

namespace fixtures {

inline double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace fixtures
