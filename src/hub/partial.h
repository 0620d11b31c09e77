// A blob on its way: written to a name of this process alone, hashed as it comes, renamed when its SHA is right. What a
// stopped download left behind is taken over, under the blob's lock, by the next one.
#pragma once
#include <optional>
#include <string>

#include "hub/cache.h"
#include "hub/call.h"
#include "hub/digest.h"

namespace rustml::hub {

// A file to read and write, made if it or its folder is missing, closed at the end. Throws "<failure> <path>: ...".
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, const char* failure);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const noexcept { return value_; }

 private:
  int value_;
};

// flock on a blob's lock file. Waiting sees cancel and deadline. On a disk without locks nothing is held, and nothing is
// taken over: then two processes fetch the same blob twice.
class BlobLock {
 public:
  BlobLock(const fs::path& path, const Call& call);
  bool held() const noexcept { return held_; }

 private:
  const Descriptor file_;
  bool held_ = false;
};

class Partial {
 public:
  // `size` absent: known at the end only.
  Partial(const Cache& cache, const std::string& etag, std::optional<uint64_t> size, bool take_over, const Call& call);
  ~Partial();  // leaves the file for the next one

  uint64_t bytes() const noexcept { return bytes_; }
  bool taken_over() const noexcept { return taken_over_; }  // begins with bytes of an earlier download
  void append(const char* data, size_t n);
  void restart();  // from byte 0
  // True: the SHA is right and the blob is in its place. False: it is not, and the file is gone from byte 0 on.
  bool finish();

 private:
  void hash_file();
  const fs::path blob_, path_;
  const Descriptor file_;
  const std::string etag_;
  std::optional<uint64_t> size_;
  const Call& call_;
  std::optional<Digest> digest_;  // absent where the size is not known yet and the SHA needs it
  uint64_t bytes_ = 0;
  bool taken_over_ = false;
};

}  // namespace rustml::hub
