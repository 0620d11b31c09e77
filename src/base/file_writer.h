// Writes a file so that it is whole or absent: into a file without a name where the system has such, flushed, then renamed. What
// stood there keeps its mode, owner and group; a symbolic link stays, and what it leads to is written. Access control lists and
// extended attributes are not taken over. file_writer_linux.cpp, file_writer_windows.cpp.
#pragma once
#include <cstdint>
#include <string>

namespace rustml::base {

class FileWriter {
 public:
  // Refuses directories, FIFOs, devices and sockets by name. not_found (no such directory), permission_denied,
  // resource_exhausted (disk full, quota, no descriptors) with the system's words.
  // Removes what writers of ended processes left in the same directory.
  explicit FileWriter(const std::string& utf8_path);
  ~FileWriter() = default;  // without commit() nothing is left
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  void write(const void* data, uint64_t n);
  void commit();

 private:
  [[noreturn]] void fail_with_system_error(const char* doing) const;
  [[noreturn]] void refuse(const char* why) const;
  void find_target();
  void create_temporary();
  void publish();
  void remove_left_behind() const;
  struct Temporary {
    intptr_t file = -1;
    std::string path;  // empty: it has no name, or needs none
    ~Temporary();      // closed, and removed if it still has its name
  };
  std::string path_, target_, directory_;  // as given; behind its links, and the directory of that
  bool replaces_ = false;                  // there is such a file already
  Temporary temporary_;
};

}  // namespace rustml::base
