// Nothing is mapped, so a file that shrinks while it is read gives an Error and no signal.
#include "base/file_reader.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/system_file.h"
#include "base/utf8.h"

namespace rustml::base {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr uint64_t kHeadBytes = 1 << 20;
constexpr int kPolls = 25;
constexpr std::chrono::milliseconds kPoll{10};
constexpr uint64_t kMaxRead = uint64_t{1} << 30;  // at once; Linux itself stops below 2 GiB, Windows at 4 GiB

class File final : public FileReader {
 public:
  File(std::unique_ptr<SystemFile> file, const std::string& utf8_path, const std::string& place)
      : FileReader(file->size(), true, quoted(utf8_path)), file_(std::move(file)), place_(place) {}
  void read_at(uint64_t offset, void* buf, uint64_t n) override {
    read_whole(offset, buf, n);
    if (file_->shows_writes() && offset >= kHeadBytes) return;
    const Read read{offset, n, hash64(buf, n)};
    const std::lock_guard lock(mutex_);
    reads_.push_back(read);
  }

  void require_unchanged(const std::function<void()>& poll) override {
    if (!file_->is_unchanged()) fail_changed();
    // Whoever is in the middle of a write gets on with it meanwhile, and what follows sees that.
    for (int n = 0; n < kPolls && !file_->shows_writes(); ++n) {
      poll();
      std::this_thread::sleep_for(kPoll);
    }
    std::vector<char> bytes;
    for (const Read& read : reads_) {
      poll();
      bytes.resize(std::max<size_t>(bytes.size(), read.n));
      read_whole(read.offset, bytes.data(), read.n);
      if (hash64(bytes.data(), read.n) != read.hash) fail_changed();
    }
    if (!file_->is_unchanged()) fail_changed();
  }

  void require_in_place() override {
    if (!file_->is_at(place_)) fail_changed();
  }

 private:
  struct Read {
    uint64_t offset, n, hash;
  };

  [[noreturn]] void fail_changed() const {
    fail(Status::data_loss, name() + " changed while it was opened; open it again when nobody writes to it any more");
  }

  void read_whole(uint64_t offset, void* buf, uint64_t n) {
    check_range(offset, n);
    auto* out = static_cast<char*>(buf);
    for (uint64_t done = 0; done < n;) {
      const uint64_t got = file_->read_some(offset + done, out + done, std::min(n - done, kMaxRead), name());
      done += got;
      if (got == 0)
        fail(Status::data_loss, name() + ": wanted " + std::to_string(n) + " bytes at " + std::to_string(offset) +
                                    ", but it now ends after " + std::to_string(offset + done) +
                                    " bytes: it was shortened while being read");
    }
  }

  const std::unique_ptr<SystemFile> file_;
  const std::string place_;
  std::mutex mutex_;
  std::vector<Read> reads_;  // to be read again: the head of the file, or all of one whose times say too little
};

class Callback final : public FileReader {
 public:
  Callback(std::function<int32_t(uint64_t, void*, uint64_t)> read, uint64_t size, bool concurrent, std::string name)
      : FileReader(size, concurrent, std::move(name)), read_(std::move(read)) {}
  void read_at(uint64_t offset, void* buf, uint64_t n) override {
    check_range(offset, n);
    if (n == 0) return;
    if (const int32_t value = read_(offset, buf, n); value != 0) {
      throw Error(
          Status::callback_stop,
          name() + ": the reader returned " + std::to_string(value) + " for " + std::to_string(n) + " bytes at " + std::to_string(offset),
          {}, value);
    }
  }

 private:
  std::function<int32_t(uint64_t, void*, uint64_t)> read_;
};

}  // namespace

void FileReader::check_range(uint64_t offset, uint64_t n) const {
  if (offset > size_ || n > size_ - offset)
    fail(Status::data_loss, name_ + ": wanted " + std::to_string(n) + " bytes at " + std::to_string(offset) + ", but it has only " +
                                std::to_string(size_) + " bytes");
}

std::unique_ptr<FileReader> open_file(const std::string& utf8_path, const std::string& place) {
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

  return std::make_unique<File>(std::make_unique<SystemFile>(utf8_path), utf8_path, place.empty() ? utf8_path : place);
}

std::unique_ptr<FileReader> open_memory(const void* data, uint64_t size, std::string name) {
  const auto copy = [data](uint64_t offset, void* buf, uint64_t n) {
    std::memcpy(buf, static_cast<const char*>(data) + offset, n);
    return 0;
  };
  return std::make_unique<Callback>(copy, size, true, std::move(name));
}

std::unique_ptr<FileReader> open_callback(std::function<int32_t(uint64_t, void*, uint64_t)> read, uint64_t size, std::string name) {
  return std::make_unique<Callback>(std::move(read), size, false, std::move(name));
}

}  // namespace rustml::base
