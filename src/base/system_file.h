// A regular file as the operating system reads it: system_file_linux.cpp, system_file_windows.cpp.
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
  uint64_t size() const noexcept { return opened_.size; }
  // At most n bytes, any thread; 0 at the end of the file. The Error of a failure speaks of `what`.
  uint64_t read_some(uint64_t offset, void* buf, uint64_t n, const std::string& what);

  // Size and times are those of when it was opened. Another name, or one less, is no change of a file.
  bool is_unchanged() const noexcept {
    State now;
    return look(now) && now.size == opened_.size && now.written_ns == opened_.written_ns &&
           (now.changed_ns == opened_.changed_ns || now.n_names != opened_.n_names);
  }
  // Every write since the file was opened shows in is_unchanged(). False where one may be under way since before, or may have the
  // same time as the last one.
  bool shows_writes() const noexcept { return shows_writes_; }
  bool is_at(const std::string& utf8_path) const noexcept;  // the path leads to this file

 private:
  struct State {
    uint64_t size, n_names;
    int64_t written_ns, changed_ns;  // changed: its bytes, owner, mode or names
  };
  bool look(State& state) const noexcept;
  bool will_show_writes() const noexcept;
  intptr_t handle_;
  State opened_{};
  bool shows_writes_ = false;
};

}  // namespace rustml::base
