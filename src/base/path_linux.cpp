#include "base/path.h"
#include "base/system_error.h"

namespace rustml::base {

std::filesystem::path path_of(std::string_view utf8) { return {utf8}; }

std::string utf8_of(const std::filesystem::path& path) { return path.string(); }

std::filesystem::path resolved(const std::filesystem::path& path, std::error_code& error) {
  return std::filesystem::canonical(path, error);
}

Status status_of(const std::error_code& error) noexcept { return status_of_errno(error.value()); }

}  // namespace rustml::base
