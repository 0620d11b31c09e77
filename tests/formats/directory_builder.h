// A temporary directory that a test fills and that goes away with it; and opening by path.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "formats/model_file.h"

namespace rustml::formats::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rustml_formats_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& file) const { return (path_ / file).string(); }
  void write(const std::string& file, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file, std::ios::binary) << bytes;
  }
  // Bytes of NUL that take no space.
  void write_sparse(const std::string& file, uint64_t bytes) const {
    write(file, "");
    std::filesystem::resize_file(path_ / file, bytes);
  }
  void link(const std::string& file, const std::string& target) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::filesystem::create_symlink(target, path_ / file);
  }

 private:
  std::filesystem::path path_;
};

inline ModelFile open_at(const std::filesystem::path& path) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return open_path(path.string(), call);
}

inline void require_unchanged(const ModelFile& file) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  file.require_unchanged(call);
}

}  // namespace rustml::formats::test
