#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "api/file_writer.h"
#include "base/system_error.h"

namespace rustml::api {

using base::fail;
using base::quoted;
using base::Status;

void FileWriter::fail_with_system_error(const char* doing) const {
  const int code = errno;
  fail(base::status_of_errno(code), "file " + quoted(path_) + " cannot be written: " + doing + ": " + base::errno_text(code));
}

FileWriter::FileWriter(const std::string& utf8_path) : path_(utf8_path) {
  const size_t slash = path_.rfind('/');
  directory_ = slash == path_.npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
  struct stat info;
  if (stat(path_.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) fail(Status::invalid_argument, "file " + quoted(path_) + " cannot be written: it is a directory");
    if (!S_ISREG(info.st_mode))
      fail(Status::invalid_argument, "file " + quoted(path_) + " cannot be written: it is no regular file (FIFO, device or socket)");
  } else if (errno != ENOENT) {
    fail_with_system_error("looking at it");
  }
  create_temporary();
}

// The name does not depend on the file's, which may be as long as names can be.
void FileWriter::create_temporary() {
  static constinit std::atomic<uint32_t> counter{0};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::string name = directory_ + "/.rustml-" + std::to_string(getpid()) + "-" + std::to_string(counter.fetch_add(1)) + ".tmp";
    file_ = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ >= 0) {
      temporary_ = name;
      return;
    }
    if (errno != EEXIST && errno != EINTR) break;
  }
  fail_with_system_error("creating a temporary file beside it");
}

FileWriter::~FileWriter() {
  if (file_ >= 0) close(static_cast<int>(file_));
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void FileWriter::write(const void* data, uint64_t n) {
  constexpr uint64_t kMaxWrite = 1u << 30;  // the system takes at most 2 GiB at once
  const auto* bytes = static_cast<const char*>(data);
  while (n > 0) {
    const ssize_t done = ::write(static_cast<int>(file_), bytes, std::min(n, kMaxWrite));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_with_system_error("writing");
    bytes += done;
    n -= static_cast<uint64_t>(done);
  }
}

void FileWriter::commit() {
  while (fsync(static_cast<int>(file_)) != 0)
    if (errno != EINTR) fail_with_system_error("flushing");
  const int fd = static_cast<int>(file_);
  file_ = -1;
  if (close(fd) != 0 && errno != EINTR) fail_with_system_error("closing");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_system_error("renaming");
  temporary_.clear();
  // The new name must survive a crash too. Some file systems cannot flush a directory; the file itself is whole.
  const int directory = open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
}

}  // namespace rustml::api
