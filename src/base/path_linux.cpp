#include <dirent.h>

#include <cerrno>
#include <memory>

#include "base/path.h"
#include "base/system_error.h"

namespace rustml::base {

std::filesystem::path path_of(std::string_view utf8) { return {utf8}; }

std::string utf8_of(const std::filesystem::path& path) { return path.string(); }

std::filesystem::path resolved(const std::filesystem::path& path, std::error_code& error) {
  return std::filesystem::canonical(path, error);
}

Status status_of(const std::error_code& error) noexcept { return status_of_errno(error.value()); }

Status list_directory(const std::filesystem::path& path, std::vector<std::string>& names, size_t most) {
  struct Close {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (!directory) return status_of_errno(errno);
  while (names.size() < most) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (!entry) return errno == 0 ? Status::ok : status_of_errno(errno);
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return Status::ok;
}

}  // namespace rustml::base
