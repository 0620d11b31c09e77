// Names in a directory: list_directory_linux.cpp, list_directory_windows.cpp. Never by std::filesystem: its iterators, and what
// iterates inside (remove_all, is_empty), end the process when memory runs out (libstdc++ allocates in a noexcept function).
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace rustml::base {

// At most `most` names in no order, in UTF-8 (POSIX: as they are), without "." and "..". Anything but ok: the system's refusal.
Status list_directory(const std::filesystem::path& path, std::vector<std::string>& names, size_t most = SIZE_MAX);

}  // namespace rustml::base
