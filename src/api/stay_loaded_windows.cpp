// What -z nodelete is on Linux: once loaded, the library stays until the process ends. Unmapped, it would take the code from under threads
// that are ending, and what winpthreads keeps for each thread of the host (four handles) would be lost every time.
#include "base/windows.h"

namespace {

const BOOL pinned = [] {
  static constexpr char kInside = 0;
  HMODULE module;
  return GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                            reinterpret_cast<const wchar_t*>(&kInside), &module);
}();

}
