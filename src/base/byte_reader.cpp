#include "base/byte_reader.h"

#include <algorithm>

#include "base/error.h"

namespace rustml::base {
namespace {
constexpr uint64_t kBufferBytes = 64 << 10;
}

ByteReader::ByteReader(FileReader& file, uint64_t begin, uint64_t end) : file_(file), position_(begin), end_(end) {
  if (end > file.size() || begin > end) {
    fail(Status::data_loss, file.name() + ": a part at bytes " + std::to_string(begin) + " to " + std::to_string(end) +
                                " does not fit in its " + std::to_string(file.size()) + " bytes");
  }
}

void ByteReader::about(const char* kind, std::string_view name) noexcept {
  kind_ = kind;
  name_ = name;
}

std::string ByteReader::subject() const {
  std::string text = file_.name() + ": ";
  if (*kind_ == '\0') return text;
  text += kind_;
  if (!name_.empty()) text += ' ' + quoted(name_);
  return text += ": ";
}

void ByteReader::fail_require(uint64_t count, uint64_t item_bytes, const char* what) const {
  fail(Status::data_loss, subject() + what + " at byte " + std::to_string(position_) + " needs " + std::to_string(count) +
                              (item_bytes == 1 ? std::string(" bytes") : " items of at least " + std::to_string(item_bytes) + " bytes") +
                              ", but only " + std::to_string(remaining()) + " are left: the file is cut or damaged");
}

void ByteReader::read_bytes(void* out, uint64_t n, const char* what) {
  require(n, 1, what);
  auto* to = static_cast<char*>(out);
  while (n > 0) {
    if (position_ >= buffer_begin_ && position_ < buffer_begin_ + buffer_bytes_) {
      const uint64_t from = position_ - buffer_begin_, part = std::min(n, buffer_bytes_ - from);
      std::memcpy(to, buffer_.data() + from, part);
      to += part;
      n -= part;
      position_ += part;
    } else if (n >= kBufferBytes) {
      file_.read_at(position_, to, n);
      position_ += n;
      return;
    } else {
      buffer_bytes_ = 0;  // if the read fails, nothing is valid
      buffer_.resize(std::min(kBufferBytes, end_ - position_));
      file_.read_at(position_, buffer_.data(), buffer_.size());
      buffer_begin_ = position_;
      buffer_bytes_ = buffer_.size();
    }
  }
}

void ByteReader::skip(uint64_t n, const char* what) {
  require(n, 1, what);
  position_ += n;
}

std::string ByteReader::string(uint64_t n, const char* what) {
  require(n, 1, what);  // before anything is allocated
  std::string text(n, '\0');
  bytes(text.data(), n, what);
  return text;
}

}  // namespace rustml::base
