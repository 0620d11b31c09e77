#include <algorithm>
#include <bit>
#include <vector>

#include "base/windows.h"
#include "runtime/processors.h"

namespace rustml::runtime {

// A process begins in one group of at most 64 processors, which its affinity mask is about; its threads stay there.
int usable_cores() {
  DWORD_PTR mask = 0, of_system = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &mask, &of_system)) mask = 0;
  PROCESSOR_NUMBER here;
  GetCurrentProcessorNumberEx(&here);
  DWORD bytes = 0;
  GetLogicalProcessorInformationEx(RelationProcessorCore, nullptr, &bytes);
  std::vector<char> records(bytes);
  const auto at = [&](DWORD offset) { return reinterpret_cast<SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(records.data() + offset); };
  int cores = 0;
  if (bytes > 0 && GetLogicalProcessorInformationEx(RelationProcessorCore, at(0), &bytes)) {
    for (DWORD offset = 0; offset < bytes; offset += at(offset)->Size) {
      const GROUP_AFFINITY& core = at(offset)->Processor.GroupMask[0];
      if (core.Group == here.Group && (core.Mask & mask) != 0) ++cores;
    }
  }
  return std::max(1, cores > 0 ? cores : std::popcount(mask));
}

void Placement::avoid_mine(const Thread&) noexcept {}
void Placement::restore(const Thread&) noexcept {}

}  // namespace rustml::runtime
