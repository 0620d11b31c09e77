// A regular file as the operating system reads it: system_file_posix.cpp, system_file_windows.cpp.
#pragma once
#include <cstdint>
#include <string>

namespace rustml::base {

class SystemFile {
 public:
  // Not empty, valid UTF-8, without NUL. Directories, FIFOs and devices are refused by name.
  explicit SystemFile(const std::string& utf8_path);
  ~SystemFile();
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;
  uint64_t size() const noexcept { return size_; }
  // At most n bytes, any thread; 0 at the end of the file. The Error of a failure speaks of `what`.
  uint64_t read_some(uint64_t offset, void* buf, uint64_t n, const std::string& what);

 private:
  intptr_t handle_;
  uint64_t size_ = 0;
};

}  // namespace rustml::base
