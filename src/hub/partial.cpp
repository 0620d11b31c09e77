#include "hub/partial.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <vector>

#include "base/write_all.h"

namespace rustml::hub {
namespace {

constexpr uint64_t kLockPoll_ms = 20;

// A name of this process alone. Taking over, a file of this blob that an earlier download did not finish has it from now on.
fs::path begin(const Cache& cache, const std::string& etag, bool take_over) {
  const fs::path path =
      cache.blobs() / (etag + "." + std::to_string(::getpid()) + "-" + std::to_string(std::random_device{}()) + ".incomplete");
  for (const fs::path& left : take_over ? entries(cache.blobs()) : std::vector<fs::path>()) {
    const std::string name = left.filename().string();
    if (name.starts_with(etag + ".") && name.ends_with(".incomplete") && fs::symlink_status(left).type() == fs::file_type::regular) {
      fs::rename(left, path);
      break;
    }
  }
  return path;
}

}  // namespace

Descriptor::Descriptor(const fs::path& path, int flags, const char* failure) {
  fs::create_directories(path.parent_path());
  value_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
  if (value_ < 0) fail_io(errno, failure, path);
}

Descriptor::~Descriptor() { ::close(value_); }

BlobLock::BlobLock(const fs::path& path, const Call& call) : file_(path, 0, "cannot open") {
  while (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return;
    call.wait(kLockPoll_ms);
  }
  held_ = true;
}

Partial::Partial(const Cache& cache, const std::string& etag, std::optional<uint64_t> size, bool take_over, const Call& call)
    : blob_(cache.blob(etag)),
      path_(begin(cache, etag, take_over)),
      file_(path_, O_NOFOLLOW, "cannot write"),
      etag_(etag),
      size_(size),
      call_(call) {
  hash_file();
  if (size_ && bytes_ > *size_) restart();
  taken_over_ = bytes_ > 0;
}

Partial::~Partial() {
  if (bytes_ == 0) ::unlink(path_.c_str());  // nothing to go on from
}

// Reads the file from its beginning: bytes_ and digest_ are then those of what is there.
void Partial::hash_file() {
  bytes_ = 0;
  digest_.reset();
  if (size_) digest_.emplace(etag_, *size_);
  std::vector<char> block(1 << 20);
  for (;;) {
    call_.check();
    const ssize_t n = ::pread(file_, block.data(), block.size(), static_cast<off_t>(bytes_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io(errno, "cannot read", path_);
    if (n == 0) return;
    if (digest_) digest_->add(block.data(), static_cast<size_t>(n));
    bytes_ += static_cast<uint64_t>(n);
  }
}

void Partial::append(const char* data, size_t n) {
  if (digest_) digest_->add(data, n);
  if (const int error = base::write_all(file_, data, n, static_cast<int64_t>(bytes_)); error != 0) fail_io(error, "cannot write", path_);
  bytes_ += n;
}

void Partial::restart() {
  if (::ftruncate(file_, 0) != 0) fail_io(errno, "cannot write", path_);
  hash_file();
  taken_over_ = false;
}

bool Partial::finish() {
  if (!size_) {
    size_ = bytes_;
    hash_file();
  }
  if (bytes_ != *size_ || !digest_->matches()) {
    restart();
    return false;
  }
  if (::fsync(file_) != 0) fail_io(errno, "cannot write", path_);
  fs::rename(path_, blob_);
  if (const int folder = ::open(blob_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return true;
}

}  // namespace rustml::hub
