// How many threads compute fastest here: topology_linux.cpp, topology_windows.cpp.
#pragma once
#include <string>

namespace rustml::runtime {

// Physical cores of this process's affinity mask, on Linux at most the CPU quota of its control groups (rounded up); at least 1. Where the
// system does not tell which processors share a core, every processor counts.
int usable_cores();

// Linux only. The least CPU quota, in processors, of the groups in a file like /proc/self/cgroup and of those they lie in; version 1 and 2,
// below `mount`. Infinite: none.
double quota_processors(const std::string& groups_of_process, const std::string& mount);

}  // namespace rustml::runtime
