// Coarse work (reading and packing weights) on the team's threads, scheduled by oneTBB. The only place that knows it.
#pragma once
#include <cstdint>
#include <functional>

#include "runtime/thread_team.h"

namespace rustml::runtime {

// body(i) for every i in [0, count), by at most n_threads members of the team. Takes the team's turn once for all.
// The first exception of a body is rethrown on the caller when all have ended; bodies not begun by then are dropped, also
// when `stop` fires (which is thrown).
void run_jobs(ThreadTeam& team, int n_threads, int64_t count, StopSignal& stop, const char* subject,
              const std::function<void(int64_t)>& body);

}  // namespace rustml::runtime
