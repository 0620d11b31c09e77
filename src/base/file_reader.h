// Random access to the bytes of a model or snapshot: a file by pread, memory, or the caller's reader.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace rustml::base {

class FileReader {
 public:
  virtual ~FileReader() = default;
  uint64_t size() const noexcept { return size_; }
  // All of [offset, offset + n) or an Error (data_loss when the file ends early, with both numbers). Retries EINTR and
  // short reads.
  virtual void read_at(uint64_t offset, void* buf, uint64_t n) = 0;
  // True: read_at may run on several threads at once (files, memory). A caller's reader runs on the calling thread only.
  bool concurrent() const noexcept { return concurrent_; }
  const std::string& name() const noexcept { return name_; }  // for messages
  // data_loss if the file was written to since it was opened, so that what was read may be of two versions. Asked when all is
  // read; `poll` is called now and then and may throw. Memory and a caller's reader are the caller's to keep as they are.
  virtual void require_unchanged(const std::function<void()>& /*poll*/) {}
  // The same if its path leads to another file by now: for files that belong together. One alone is read to its end, whatever its
  // name is given to.
  virtual void require_in_place() {}

 protected:
  FileReader(uint64_t size, bool concurrent, std::string name) : size_(size), concurrent_(concurrent), name_(std::move(name)) {}
  void check_range(uint64_t offset, uint64_t n) const;

 private:
  const uint64_t size_;
  const bool concurrent_;
  const std::string name_;
};

// Regular files only; directories, FIFOs and devices are refused by name. not_found, permission_denied.
// `place`: another path that leads to the file, for require_in_place().
std::unique_ptr<FileReader> open_file(const std::string& utf8_path, const std::string& place = {});
std::unique_ptr<FileReader> open_memory(const void* data, uint64_t size, std::string name);
// `read` returns 0 or a value that becomes an Error callback_stop.
std::unique_ptr<FileReader> open_callback(std::function<int32_t(uint64_t, void*, uint64_t)> read, uint64_t size, std::string name);

}  // namespace rustml::base
