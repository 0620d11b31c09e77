// Files and folders of the cache: what is not there is an answer, what the system refuses is thrown with its status.
// No streams (they swallow exhausted memory), no iterators of std::filesystem (base/path.h).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace rustml::hub {

namespace fs = std::filesystem;
using base::fail;
using base::Status;

// The way out of a failure: "free some space ...".
const char* advice_for(Status status);
// Throws: "<what> <path>: <reason>; <way out>".
[[noreturn]] void fail_io(int error, const std::string& what, const fs::path& path);

std::vector<fs::path> entries(const fs::path& folder);                    // ordered; none if there is no such folder
std::optional<std::string> read_file(const fs::path& path, size_t most);  // its first `most` bytes; nothing if there is no such file
void remove_tree(const fs::path& path);                                   // and all below; links are not followed

}  // namespace rustml::hub
