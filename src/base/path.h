// Paths are UTF-8 wherever they cross a boundary. Windows has its own characters: std::filesystem::path(std::string) would be wrong there.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace rustml::base {

std::filesystem::path path_of(std::string_view utf8);
std::string utf8_of(const std::filesystem::path& path);
// Absolute and without links.
std::filesystem::path resolved(const std::filesystem::path& path, std::error_code& error);
// What the system's refusal is called here.
Status status_of(const std::error_code& error) noexcept;

}  // namespace rustml::base
