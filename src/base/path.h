// Paths are UTF-8 wherever they cross a boundary. Windows has its own characters: std::filesystem::path(std::string) would be wrong there.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace rustml::base {

std::filesystem::path path_of(std::string_view utf8);
std::string utf8_of(const std::filesystem::path& path);
// Absolute and without links.
std::filesystem::path resolved(const std::filesystem::path& path, std::error_code& error);
// What the system's refusal is called here.
Status status_of(const std::error_code& error) noexcept;
// At most `most` names in a directory in no order, in UTF-8 (POSIX: as they are), without "." and "..". Anything but ok: the system's
// refusal. Never by std::filesystem: its iterators, and what iterates inside (remove_all, is_empty), end the process when memory runs
// out (libstdc++ allocates in a noexcept function).
Status list_directory(const std::filesystem::path& path, std::vector<std::string>& names, size_t most = SIZE_MAX);

}  // namespace rustml::base
