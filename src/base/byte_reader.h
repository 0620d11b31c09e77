// A bounded cursor over a file for binary formats, little-endian. Small reads come from a buffer; every length is compared
// with the bytes that remain before anything is allocated, so a file cannot ask for more memory than it has bytes.
// Faults are data_loss: "<file>: <subject>: <what> at byte <offset> needs <n> bytes, but only <remaining> are left".
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_reader.h"

namespace rustml::base {

static_assert(std::endian::native == std::endian::little, "files are little-endian; a big-endian host needs swaps here");

class ByteReader {
 public:
  // Reads [begin, end) of the file; end at most file.size(). The file must outlive the cursor.
  ByteReader(FileReader& file, uint64_t begin, uint64_t end);

  uint64_t position() const noexcept { return position_; }  // in the file
  uint64_t remaining() const noexcept { return end_ - position_; }

  // What the next reads belong to, for messages: `kind` and, quoted, `name`. Both must live until the next call of about.
  void about(const char* kind, std::string_view name = {}) noexcept;
  // "<file>: <subject>: ", as all messages begin.
  std::string subject() const;

  // Fails unless `count` items of at least `item_bytes` (not 0) bytes each remain.
  void require(uint64_t count, uint64_t item_bytes, const char* what) const {
    if (count > remaining() / item_bytes) fail_require(count, item_bytes, what);
  }
  void bytes(void* out, uint64_t n, const char* what) {
    if (!buffered(n)) return read_bytes(out, n, what);
    if (n > 0) std::memcpy(out, next(), n);
    position_ += n;
  }
  void skip(uint64_t n, const char* what);
  std::string string(uint64_t n, const char* what);
  template <class T>  // integers and floats
  T number(const char* what) {
    T value;
    bytes(&value, sizeof value, what);
    return value;
  }

 private:
  // The next n bytes are in the buffer, hence also inside the part.
  bool buffered(uint64_t n) const noexcept {
    const uint64_t from = position_ - buffer_begin_;  // wraps around in front of the buffer
    return from < buffer_bytes_ && n <= buffer_bytes_ - from;
  }
  const char* next() const noexcept { return buffer_.data() + (position_ - buffer_begin_); }
  [[noreturn]] void fail_require(uint64_t count, uint64_t item_bytes, const char* what) const;
  void read_bytes(void* out, uint64_t n, const char* what);

  FileReader& file_;
  uint64_t position_, end_;
  std::vector<char> buffer_;
  uint64_t buffer_begin_ = 0, buffer_bytes_ = 0;  // what of the file is in the buffer
  const char* kind_ = "";
  std::string_view name_;
};

}  // namespace rustml::base
