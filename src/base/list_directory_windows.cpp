#include <memory>

#include "base/list_directory.h"
#include "base/path.h"
#include "base/windows.h"

namespace rustml::base {

Status list_directory(const std::filesystem::path& path, std::vector<std::string>& names, size_t most) {
  struct Close {
    using pointer = HANDLE;
    void operator()(HANDLE search) const noexcept { FindClose(search); }
  };
  WIN32_FIND_DATAW found;
  const HANDLE first = FindFirstFileW((path / L"*").c_str(), &found);
  if (first == INVALID_HANDLE_VALUE) return windows_status(GetLastError());
  const std::unique_ptr<void, Close> search(first);
  while (names.size() < most) {
    const std::string name = utf8_of(found.cFileName);
    if (name != "." && name != "..") names.push_back(name);
    if (FindNextFileW(search.get(), &found)) continue;
    const DWORD code = GetLastError();
    return code == ERROR_NO_MORE_FILES ? Status::ok : windows_status(code);
  }
  return Status::ok;
}

}  // namespace rustml::base
