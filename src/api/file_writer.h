// Writes a file so that it is whole or absent: to a temporary name in the same directory, flushed, then renamed.
// file_writer_posix.cpp, file_writer_windows.cpp.
#pragma once
#include <cstdint>
#include <string>

namespace rustml::api {

class FileWriter {
 public:
  // Refuses directories, FIFOs, devices and sockets by name. not_found (no such directory), permission_denied,
  // resource_exhausted (disk full, quota, no descriptors) with the system's words.
  explicit FileWriter(const std::string& utf8_path);
  ~FileWriter();  // removes the temporary file unless committed
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  void write(const void* data, uint64_t n);
  void commit();

 private:
  [[noreturn]] void fail_with_system_error(const char* doing) const;
  void create_temporary();
  std::string path_, directory_, temporary_;
  intptr_t file_ = -1;
};

}  // namespace rustml::api
