#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/held_signal.h"
#include "base/system_error.h"
#include "base/system_file.h"

namespace rustml::base {
namespace {

[[noreturn]] void fail_open(const std::string& path, int error) {
  const std::string name = base::quoted(path);
  switch (error) {
    case ENOENT: fail(Status::not_found, "file " + name + " does not exist; check the path and the current directory");
    case ENOTDIR: fail(Status::not_found, "file " + name + " does not exist: a part of the path is a file, not a directory");
    case EACCES:
    case EPERM: fail(Status::permission_denied, "file " + name + " may not be read by this user; check its permissions");
    case EMFILE:
    case ENFILE: fail(Status::resource_exhausted, "file " + name + " was not opened: too many files are open; raise `ulimit -n`");
    case ENOMEM: fail(Status::resource_exhausted, "file " + name + " was not opened: the system is out of memory");
    case ELOOP: fail(Status::not_found, "file " + name + " was not opened: its symbolic links form a loop");
    case ENAMETOOLONG: fail(Status::invalid_argument, "path " + name + " has a part longer than the file system allows");
    case ENXIO:
    case ENODEV: fail(Status::invalid_argument, "path " + name + " is a socket or device; give a regular file");
    default: fail(status_of_errno(error), "file " + name + " was not opened: " + errno_text(error));
  }
}

constexpr int64_t kSecond_ns = 1'000'000'000;

int64_t nanoseconds(const timespec& time) noexcept { return time.tv_sec * kSecond_ns + time.tv_nsec; }

// By the clock that gives files their times: it stands still between the ticks of the kernel (1 to 10 ms).
int64_t file_clock_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return nanoseconds(now);
}

enum class Writers { none, some, unknown };

// Whether anybody has the file open for writing: then, and only then, Linux refuses a lease for reading. It is given back at once;
// who opens the file for writing in between waits until then, and the signal that says so comes to this thread and is dropped.
Writers writers_of(int fd) noexcept {
  const HeldSignal held(SIGXFSZ);
  const f_owner_ex self{F_OWNER_TID, static_cast<pid_t>(syscall(SYS_gettid))};
  if (fcntl(fd, F_SETOWN_EX, &self) != 0 || fcntl(fd, F_SETSIG, SIGXFSZ) != 0) return Writers::unknown;
  if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN ? Writers::some : Writers::unknown;  // not ours, or a disk without
  fcntl(fd, F_SETLEASE, F_UNLCK);
  return Writers::none;
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
    look(opened_);
    shows_writes_ = will_show_writes();
    return;
  }
  ::close(fd);
  if (failure != 0) fail_open(utf8_path, failure);
  const mode_t mode = status.st_mode;
  const char* kind = S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : "a device";
  fail(Status::invalid_argument, "path " + base::quoted(utf8_path) + " is " + kind + "; give a regular file");
}

bool SystemFile::look(State& state) const noexcept {
  struct stat now;
  if (::fstat(static_cast<int>(handle_), &now) != 0) return false;
  state = {static_cast<uint64_t>(now.st_size), now.st_nlink, nanoseconds(now.st_mtim), nanoseconds(now.st_ctim)};
  return true;
}

bool SystemFile::is_at(const std::string& utf8_path) const noexcept {
  struct stat here, there;
  return ::fstat(static_cast<int>(handle_), &here) == 0 && ::stat(utf8_path.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

bool SystemFile::will_show_writes() const noexcept {
  // The next write has to get another time. Whole seconds are those of a disk that counts in seconds, or in pairs of them.
  const int64_t changed = opened_.changed_ns, grain = changed % kSecond_ns == 0 ? 2 * kSecond_ns : 0;
  constexpr int kLongestTick_ms = 20;
  const timespec millisecond{0, 1'000'000};
  for (int n = 0; grain == 0 && n < kLongestTick_ms && file_clock_ns() <= changed; ++n) nanosleep(&millisecond, nullptr);
  const int64_t age = file_clock_ns() - changed;
  if (age <= grain) return false;
  // A write has the time of its beginning, so one that is under way must not be: nobody writes, or nobody has for some time.
  const Writers writers = writers_of(static_cast<int>(handle_));
  return writers == Writers::none || (writers == Writers::unknown && age > 2 * kSecond_ns);
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
