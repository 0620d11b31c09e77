// How many threads compute fastest here.
#pragma once

namespace rustml::runtime {

// Physical cores of this process's affinity mask, at most the cgroup's CPU quota (rounded up); at least 1. Where the
// system does not tell which processors share a core, every processor counts.
int usable_cores();

}  // namespace rustml::runtime
