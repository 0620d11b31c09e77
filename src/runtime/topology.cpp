#include "runtime/topology.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <thread>

namespace rustml::runtime {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// cgroup v2: "max 100000" or "200000 100000"; the whole path of groups counts, the nearest is enough in containers.
int quota_cores() {
  std::string quota = first_line("/sys/fs/cgroup/cpu.max");
  double limit = 0, period = 0;
  if (quota.empty()) {  // cgroup v1
    quota = first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + " " + first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  }
  if (std::sscanf(quota.c_str(), "%lf %lf", &limit, &period) != 2 || limit <= 0 || period <= 0) return INT32_MAX;
  return std::max(1, static_cast<int>(std::ceil(std::min(limit / period, 1e6))));
}

}  // namespace

int usable_cores() {
  int cores = 0;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    std::set<std::string> seen;  // each core once, by the list of its siblings
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &mask)) continue;
      const std::string siblings = first_line("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
      if (siblings.empty() || seen.insert(siblings).second) ++cores;
    }
  } else {
    cores = static_cast<int>(std::thread::hardware_concurrency());
  }
  return std::max(1, std::min(cores, quota_cores()));
}

}  // namespace rustml::runtime
