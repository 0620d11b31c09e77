// Files by pread: nothing is mapped, so a file that shrinks while it is read gives an Error and no signal. All calls to
// the operating system are in the class File and in open_file.
#include "base/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace rustml::base {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr uint64_t kMaxRead = uint64_t{1} << 30;  // per pread; Linux itself stops below 2 GiB

[[noreturn]] void fail_range(const std::string& name, uint64_t offset, uint64_t n, uint64_t size) {
  fail(Status::data_loss, name + ": wanted " + std::to_string(n) + " bytes at " + std::to_string(offset) + ", but it has only " +
                              std::to_string(size) + " bytes");
}

void check_range(const std::string& name, uint64_t offset, uint64_t n, uint64_t size) {
  if (offset > size || n > size - offset) fail_range(name, offset, n, size);
}

std::string system_text(int error) { return std::generic_category().message(error) + " (errno " + std::to_string(error) + ")"; }

[[noreturn]] void fail_open(const std::string& path, int error) {
  const std::string name = quoted(path);
  switch (error) {
    case ENOENT:
      fail(Status::not_found, "file " + name + " does not exist; check the path and the current directory");
    case ENOTDIR:
      fail(Status::not_found, "file " + name + " does not exist: a part of the path is a file, not a directory");
    case EACCES:
    case EPERM:
      fail(Status::permission_denied, "file " + name + " may not be read by this user; check its permissions");
    case EMFILE:
    case ENFILE:
      fail(Status::resource_exhausted, "file " + name + " was not opened: too many files are open; raise `ulimit -n`");
    case ENOMEM:
      fail(Status::resource_exhausted, "file " + name + " was not opened: the system is out of memory");
    case ELOOP:
      fail(Status::not_found, "file " + name + " was not opened: its symbolic links form a loop");
    case ENAMETOOLONG:
      fail(Status::invalid_argument, "path " + name + " has a part longer than the file system allows");
    case ENXIO:
    case ENODEV:
      fail(Status::invalid_argument, "path " + name + " is a socket or device; give a regular file");
    default:
      fail(Status::data_loss, "file " + name + " was not opened: " + system_text(error));
  }
}

class File final : public FileReader {
 public:
  File(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  ~File() override { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  uint64_t size() const noexcept override { return size_; }
  bool concurrent() const noexcept override { return true; }
  const std::string& name() const noexcept override { return name_; }
  int fd() const noexcept { return fd_; }
  void set_size(uint64_t size) noexcept { size_ = size; }

  void read_at(uint64_t offset, void* buf, uint64_t n) override {
    check_range(name_, offset, n, size_);
    auto* out = static_cast<char*>(buf);
    for (uint64_t done = 0; done < n;) {
      const ssize_t got = ::pread(fd_, out + done, std::min(n - done, kMaxRead), static_cast<off_t>(offset + done));
      if (got > 0) {
        done += static_cast<uint64_t>(got);
      } else if (got == 0) {
        fail(Status::data_loss, name_ + ": wanted " + std::to_string(n) + " bytes at " + std::to_string(offset) +
                                    ", but it now ends after " + std::to_string(offset + done) +
                                    " bytes: it was shortened while being read");
      } else if (errno != EINTR) {
        const int error = errno;
        fail(error == ENOMEM ? Status::resource_exhausted : Status::data_loss,
             name_ + ": reading " + std::to_string(n) + " bytes at " + std::to_string(offset) + " failed: " + system_text(error));
      }
    }
  }

 private:
  int fd_;
  uint64_t size_ = 0;
  std::string name_;
};

class Memory final : public FileReader {
 public:
  Memory(const void* data, uint64_t size, std::string name) : data_(static_cast<const char*>(data)), size_(size), name_(std::move(name)) {}
  uint64_t size() const noexcept override { return size_; }
  bool concurrent() const noexcept override { return true; }
  const std::string& name() const noexcept override { return name_; }
  void read_at(uint64_t offset, void* buf, uint64_t n) override {
    check_range(name_, offset, n, size_);
    if (n > 0) std::memcpy(buf, data_ + offset, n);
  }

 private:
  const char* data_;
  uint64_t size_;
  std::string name_;
};

class Callback final : public FileReader {
 public:
  Callback(std::function<int32_t(uint64_t, void*, uint64_t)> read, uint64_t size, std::string name)
      : read_(std::move(read)), size_(size), name_(std::move(name)) {}
  uint64_t size() const noexcept override { return size_; }
  bool concurrent() const noexcept override { return false; }
  const std::string& name() const noexcept override { return name_; }
  void read_at(uint64_t offset, void* buf, uint64_t n) override {
    check_range(name_, offset, n, size_);
    if (n == 0) return;
    if (const int32_t value = read_(offset, buf, n); value != 0) {
      throw Error(
          Status::callback_stop,
          name_ + ": the reader returned " + std::to_string(value) + " for " + std::to_string(n) + " bytes at " + std::to_string(offset),
          {}, value);
    }
  }

 private:
  std::function<int32_t(uint64_t, void*, uint64_t)> read_;
  uint64_t size_;
  std::string name_;
};

}  // namespace

std::unique_ptr<FileReader> open_file(const std::string& utf8_path) {
  if (utf8_path.empty()) fail(Status::invalid_argument, "path is empty; give the path of a file");
  if (utf8_path.size() > kMaxPathBytes) {
    fail(Status::invalid_argument,
         "path has " + std::to_string(utf8_path.size()) + " bytes; at most " + std::to_string(kMaxPathBytes) + " are allowed");
  }
  if (const size_t at = utf8_error(utf8_path); at != kValidUtf8) {
    fail(Status::invalid_argument, "path is not valid UTF-8 at byte " + std::to_string(at));
  }
  if (const size_t at = utf8_path.find('\0'); at != std::string::npos) {
    fail(Status::invalid_argument, "path has a NUL byte at byte " + std::to_string(at));
  }

  int fd;
  do {
    fd = ::open(utf8_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);  // O_NONBLOCK: a FIFO without a writer must not hang
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) fail_open(utf8_path, errno);

  std::unique_ptr<File> file;
  try {
    file = std::make_unique<File>(fd, quoted(utf8_path));
  } catch (...) {
    ::close(fd);
    throw;
  }
  struct stat status;
  if (::fstat(file->fd(), &status) != 0) fail_open(utf8_path, errno);
  if (S_ISDIR(status.st_mode)) fail(Status::invalid_argument, "path " + file->name() + " is a directory; give a regular file");
  if (!S_ISREG(status.st_mode)) {
    const char* kind = S_ISFIFO(status.st_mode) ? "a FIFO" : S_ISSOCK(status.st_mode) ? "a socket" : "a device";
    fail(Status::invalid_argument, "path " + file->name() + " is " + kind + "; give a regular file");
  }
  file->set_size(static_cast<uint64_t>(status.st_size));
  return file;
}

std::unique_ptr<FileReader> open_memory(const void* data, uint64_t size, std::string name) {
  return std::make_unique<Memory>(data, size, std::move(name));
}

std::unique_ptr<FileReader> open_callback(std::function<int32_t(uint64_t, void*, uint64_t)> read, uint64_t size, std::string name) {
  return std::make_unique<Callback>(std::move(read), size, std::move(name));
}

}  // namespace rustml::base
