// Names of repositories, revisions and files, checked before they become part of a path or a URL. What comes from the
// outside (the caller's id, a server's shard list) may hold "..", drive or device names; none of it reaches the disk.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rustml::hub {

struct ModelId {
  std::string repository;               // org/name; older repositories have no org
  std::string file;                     // path of a GGUF file in it; empty: the whole model
  std::optional<std::string> revision;  // as given after the @
  std::string text() const;             // as the user would write it
};

// Throws invalid_argument: what is wrong, and the form expected.
ModelId parse_id(std::string_view id);

// Null if `path` is relative, with '/' between plain names that every system allows; else what is wrong with it.
const char* path_problem(std::string_view path);
// Null if `repository` follows the hub's rules for names.
const char* repository_problem(std::string_view repository);

bool is_commit(std::string_view text);  // 40 hexadecimal digits
bool is_blob(std::string_view text);    // SHA-1 or SHA-256 in lower-case hexadecimal

// Every part of "x-00002-of-00005.gguf", in order; any other file is its own only part. Throws invalid_argument.
std::vector<std::string> parts_of(const std::string& file);

// Decimal digits alone, at most 2^62; else nothing.
std::optional<uint64_t> parse_number(std::string_view text);

// For URLs; '/' stays if `keep_slash`.
std::string percent_encoded(std::string_view text, bool keep_slash);

}  // namespace rustml::hub
