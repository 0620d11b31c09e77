#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "runtime/processors.h"

namespace rustml::runtime {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// What one group may use, in processors; infinite without a limit. v2: "max 100000" or "200000 100000" in one file.
double quota_of(const std::string& group, bool v2) {
  const std::string text =
      v2 ? first_line(group + "/cpu.max") : first_line(group + "/cpu.cfs_quota_us") + " " + first_line(group + "/cpu.cfs_period_us");
  long long limit = 0, period = 0;
  if (std::sscanf(text.c_str(), "%lld %lld", &limit, &period) != 2 || limit <= 0 || period <= 0) return HUGE_VAL;
  return static_cast<double>(limit) / static_cast<double>(period);
}

}  // namespace

double quota_processors(const std::string& groups_of_process, const std::string& mount) {
  double least = HUGE_VAL;
  const auto look = [&](const std::string& root, std::string path, bool v2) {
    for (;; path.resize(path.find_last_of('/'))) {
      least = std::min(least, quota_of(root + path, v2));
      if (path.find('/') == std::string::npos) return;
    }
  };
  std::ifstream file(groups_of_process);
  for (std::string line; std::getline(file, line);) {  // hierarchy:controllers:path
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    while (path.ends_with('/')) path.pop_back();
    if (controllers == ",,") {
      look(mount, path, true);
      look(mount + "/unified", path, true);
    } else if (controllers.find(",cpu,") != std::string::npos) {
      look(mount + "/cpu", path, false);
      look(mount + "/cpu,cpuacct", path, false);
    }
  }
  return least;
}

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
  const double quota = std::ceil(quota_processors("/proc/self/cgroup", "/sys/fs/cgroup"));
  return quota < cores ? std::max(1, static_cast<int>(quota)) : std::max(1, cores);
}

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
