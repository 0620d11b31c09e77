#include "hub/disk.h"

#include <algorithm>

#include "base/path.h"
#include "base/system_error.h"
#include "base/system_file.h"

namespace rustml::hub {

const char* advice_for(Status status) {
  return status == Status::resource_exhausted ? "free some space, memory or open files, or set HF_HUB_CACHE to a larger disk"
                                              : "check the folder or set HF_HUB_CACHE to another one";
}

void fail_io(int error, const std::string& what, const fs::path& path) {
  const Status status = base::status_of_errno(error);
  fail(status, what + " " + base::quoted(path.string()) + ": " + base::errno_text(error) + "; " + advice_for(status));
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<std::string> names;
  const Status status = base::list_directory(folder, names);
  if (status != Status::ok && status != Status::not_found)
    fail(status, "cannot list " + base::quoted(folder.string()) + "; " + advice_for(status));
  std::sort(names.begin(), names.end());
  std::vector<fs::path> out;
  for (const std::string& name : names) out.push_back(folder / name);
  return out;
}

std::optional<std::string> read_file(const fs::path& path, size_t most) try {
  base::SystemFile file(path.string());
  std::string text(std::min<uint64_t>(file.size(), most), '\0');
  for (size_t done = 0; done < text.size();) {
    const uint64_t n = file.read_some(done, text.data() + done, text.size() - done, base::quoted(path.string()));
    if (n == 0) text.resize(done);
    done += n;
  }
  return text;
} catch (const base::Error& error) {
  if (error.status() == Status::not_found) return std::nullopt;
  throw;
}

// Without recursion: how deep folders go, others decide.
void remove_tree(const fs::path& path) {
  for (std::vector<fs::path> left{path}; !left.empty();) {
    const fs::path last = left.back();
    std::vector<fs::path> inside;
    if (fs::symlink_status(last).type() == fs::file_type::directory) inside = entries(last);
    if (!inside.empty()) {
      left.insert(left.end(), inside.begin(), inside.end());
      continue;
    }
    fs::remove(last);
    left.pop_back();
  }
}

}  // namespace rustml::hub
