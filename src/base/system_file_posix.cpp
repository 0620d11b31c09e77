#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/system_error.h"
#include "base/system_file.h"

namespace rustml::base {
namespace {

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
      fail(status_of_errno(error), "file " + name + " was not opened: " + errno_text(error));
  }
}

}  // namespace

SystemFile::SystemFile(const std::string& utf8_path) {
  int fd;
  do {
    fd = ::open(utf8_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);  // O_NONBLOCK: a FIFO without a writer must not hang
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) fail_open(utf8_path, errno);
  struct stat status;
  const int failure = ::fstat(fd, &status) == 0 ? 0 : errno;
  if (failure == 0 && S_ISREG(status.st_mode)) {
    handle_ = fd;
    size_ = static_cast<uint64_t>(status.st_size);
    return;
  }
  ::close(fd);
  if (failure != 0) fail_open(utf8_path, failure);
  const mode_t mode = status.st_mode;
  const char* kind = S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : "a device";
  fail(Status::invalid_argument, "path " + quoted(utf8_path) + " is " + kind + "; give a regular file");
}

SystemFile::~SystemFile() { ::close(static_cast<int>(handle_)); }

uint64_t SystemFile::read_some(uint64_t offset, void* buf, uint64_t n, const std::string& what) {
  for (;;) {
    const ssize_t got = ::pread(static_cast<int>(handle_), buf, n, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<uint64_t>(got);
    if (errno == EINTR) continue;
    const int error = errno;
    fail(status_of_errno(error),
         what + ": reading " + std::to_string(n) + " bytes at " + std::to_string(offset) + " failed: " + errno_text(error));
  }
}

}  // namespace rustml::base
