// A temporary file has no name (O_TMPFILE) until everything is in it, where the file system can do that. With a name it is locked
// (flock) by its writer for as long as that lives, and one that nobody locks is left behind.
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "base/file_writer.h"
#include "base/system_error.h"
#include "base/write_all.h"

namespace rustml::base {
namespace {

constexpr std::string_view kPrefix = ".rustml-", kSuffix = ".new";
constexpr int kNames = 1000;  // tried before giving up

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Does not depend on the file's name, which may be as long as names can be.
std::string fresh_name(const std::string& directory) {
  static constinit std::atomic<uint32_t> counter{0};
  return directory + "/" + std::string(kPrefix) + std::to_string(getpid()) + "-" + std::to_string(counter.fetch_add(1)) +
         std::string(kSuffix);
}

// By which an open file without a name can be given one.
std::string handle_path(intptr_t file) { return "/proc/self/fd/" + std::to_string(file); }

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

void close_file(intptr_t& file) noexcept {
  if (file >= 0) close(static_cast<int>(file));
  file = -1;
}

bool lock(int fd) noexcept { return flock(fd, LOCK_EX | LOCK_NB) == 0; }

void remove_if_left(const std::string& path) noexcept {
  int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);  // some file systems lock for writers only
  if (fd < 0 && errno == EACCES) fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  struct stat open_file, named;
  if (fstat(fd, &open_file) == 0 && S_ISREG(open_file.st_mode) && (open_file.st_uid == geteuid() || geteuid() == 0) && lock(fd) &&
      lstat(path.c_str(), &named) == 0 && same_file(open_file, named))
    unlink(path.c_str());
  close(fd);
}

// Mode, group and owner of the file that is replaced, as far as this user may give them.
bool keep_attributes(const std::string& from, int fd) noexcept {
  struct stat old;
  if (stat(from.c_str(), &old) != 0) return false;
  mode_t mode = old.st_mode & 0777;
  if (fchown(fd, old.st_uid, old.st_gid) != 0 && fchown(fd, static_cast<uid_t>(-1), old.st_gid) != 0)
    mode = (mode & 0707) | ((mode & 07) << 3);  // another group gets what everybody has

  return fchmod(fd, mode) == 0 || errno == EPERM || errno == EOPNOTSUPP;  // disks without modes refuse it to the owner
}

}  // namespace

void FileWriter::fail_with_system_error(const char* doing) const {
  const int code = errno;
  fail(status_of_errno(code), "file " + base::quoted(path_) + " cannot be written: " + doing + ": " + errno_text(code));
}

void FileWriter::refuse(const char* why) const {
  fail(Status::invalid_argument, "file " + base::quoted(path_) + " cannot be written: " + why);
}

FileWriter::FileWriter(const std::string& utf8_path) : path_(utf8_path) {
  find_target();
  directory_ = directory_of(target_);
  remove_left_behind();
  create_temporary();
  if (replaces_ && !keep_attributes(target_, static_cast<int>(temporary_.file)))
    fail_with_system_error("giving it the mode of the old file");
}

// What is written is the file behind the links, also where it does not exist yet.
void FileWriter::find_target() {
  struct stat info, link;
  replaces_ = stat(path_.c_str(), &info) == 0;
  if (!replaces_ && errno != ENOENT) fail_with_system_error("looking at it");
  if (replaces_ && S_ISDIR(info.st_mode)) refuse("it is a directory");
  if (replaces_ && !S_ISREG(info.st_mode)) refuse("it is no regular file (FIFO, device or socket)");
  constexpr int kMostLinks = 40;  // as many as Linux follows
  target_ = path_;
  for (int n = 0; lstat(target_.c_str(), &link) == 0 && S_ISLNK(link.st_mode); ++n) {
    char to[PATH_MAX];
    errno = ELOOP;
    const ssize_t length = n < kMostLinks ? readlink(target_.c_str(), to, sizeof to) : -1;
    if (length <= 0) fail_with_system_error("following its link");
    const std::string next(to, static_cast<size_t>(length));
    target_ = next[0] == '/' ? next : directory_of(target_) + "/" + next;
  }
  if (replaces_ && (stat(target_.c_str(), &link) != 0 || !same_file(info, link))) refuse("its link leads to a file without a name");
}

void FileWriter::create_temporary() {
  const mode_t mode = replaces_ ? 0600 : 0666;  // for nobody else before it has the old file's mode
  temporary_.file = open(directory_.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
  if (temporary_.file >= 0 && access(handle_path(temporary_.file).c_str(), F_OK) == 0) {
    lock(static_cast<int>(temporary_.file));
    return;
  }
  close_file(temporary_.file);  // without /proc it could never be named
  for (int n = 0; n < kNames; ++n) {
    std::string name = fresh_name(directory_);
    temporary_.file = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (temporary_.file < 0 && errno != EEXIST && errno != EINTR) break;
    if (temporary_.file < 0) continue;
    // Another writer may take it for left behind before it is locked, and remove it.
    struct stat info;
    const bool locked = lock(static_cast<int>(temporary_.file)) || errno != EWOULDBLOCK;  // a disk without locks: nobody removes it
    if (locked && fstat(static_cast<int>(temporary_.file), &info) == 0 && info.st_nlink > 0) {
      temporary_.path = std::move(name);
      return;
    }
    close_file(temporary_.file);
  }
  fail_with_system_error("creating a temporary file beside it");
}

FileWriter::Temporary::~Temporary() {
  close_file(file);
  if (!path.empty()) unlink(path.c_str());
}

void FileWriter::write(const void* data, uint64_t n) {
  if (const int error = write_all(static_cast<int>(temporary_.file), data, n); error != 0) {
    errno = error;
    fail_with_system_error("writing");
  }
}

void FileWriter::commit() {
  while (fsync(static_cast<int>(temporary_.file)) != 0)
    if (errno != EINTR) fail_with_system_error("flushing");
  publish();
  close_file(temporary_.file);  // flushed already; until now it was locked
  // The new name must survive a crash too. Some file systems cannot flush a directory; the file itself is whole.
  const int directory = open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
}

void FileWriter::publish() {
  const std::string unnamed = handle_path(temporary_.file);
  const auto name_it = [&](const std::string& name) {
    return linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  if (temporary_.path.empty() && !replaces_ && name_it(target_)) return;
  for (int n = 0; temporary_.path.empty(); ++n) {  // only a rename can replace a file
    std::string name = fresh_name(directory_);
    if (name_it(name))
      temporary_.path = std::move(name);
    else if (errno != EEXIST || n == kNames)
      fail_with_system_error("naming it");
  }
  if (rename(temporary_.path.c_str(), target_.c_str()) != 0) fail_with_system_error("renaming");
  temporary_.path.clear();
}

void FileWriter::remove_left_behind() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(directory_.c_str()), closedir);
  while (const dirent* entry = directory ? readdir(directory.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) remove_if_left(directory_ + "/" + entry->d_name);
  }
}

}  // namespace rustml::base
