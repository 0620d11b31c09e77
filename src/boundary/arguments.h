// Reading and filling what callers point at: text, ids, paths, buffers, out parameters.
#pragma once
#include <rustml.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/refuse.h"

namespace rustml::boundary {

using base::refuse_field;

// No process can own more bytes than this (47-bit user addresses), so a longer length is a mistake.
constexpr uint64_t kMaxBytes = uint64_t{1} << 47;
constexpr uint64_t kMaxStringBytes = 1 << 20;

// `name` is the parameter's or field's, for messages. Valid UTF-8; NULL with length 0 is empty.
std::string_view read_text(const char* ptr, uint64_t len, const char* name);
inline std::string_view read_text(const rustml_text& text, const char* name) { return read_text(text.ptr, text.len, name); }
// Text without NUL bytes and of at most 1 MiB: a path, an address, a name.
std::string read_string(const char* ptr, uint64_t len, const char* name);
inline std::string read_string(const rustml_text& text, const char* name) { return read_string(text.ptr, text.len, name); }
std::string read_path(const char* path, uint64_t len);
// NULL with n 0 is empty.
std::span<const int32_t> read_ids(const int32_t* ids, uint64_t n, const char* name);
std::span<const std::byte> read_bytes(const void* data, uint64_t len, const char* name);
void require_zero(uint64_t value, const char* name);
bool read_bool(uint32_t value, const char* name);
void require_flags(uint32_t flags, uint32_t known, const char* name);
void require_pointer(const void* pointer, const char* name);

// `*out` becomes NULL first, so that it is NULL after any failure.
template <class T>
void clear_out(T** out) {
  require_pointer(out, "out");
  *out = nullptr;
}

// A caller's buffer (buf, capacity, *needed), counted in elements. Checked before any work is done for it.
template <class T>
class OutBuffer {
 public:
  OutBuffer(T* buf, uint64_t capacity, uint64_t* needed) : buf_(buf), capacity_(capacity), needed_(needed) {
    require_pointer(needed, "needed");
    *needed = 0;
    if (!buf && capacity > 0) refuse_field("buf", "NULL with capacity " + std::to_string(capacity), "a buffer, or NULL with capacity 0");
  }
  bool asks_size() const noexcept { return !buf_; }
  T* data() const noexcept { return buf_; }
  // ok if n elements fit or only the size was asked for; *needed is n either way.
  base::Status fits(uint64_t n) const noexcept {
    *needed_ = n;
    return n <= capacity_ || asks_size() ? base::Status::ok : base::Status::buffer_too_small;
  }
  base::Status fill(std::span<const T> values) const noexcept { return fill(values.data(), values.size()); }
  base::Status fill(const T* values, uint64_t n) const noexcept {
    const base::Status status = fits(n);
    if (status == base::Status::ok && buf_ && n > 0) std::memcpy(buf_, values, n * sizeof(T));
    return status;
  }

 private:
  T* buf_;
  uint64_t capacity_;
  uint64_t* needed_;
};

}  // namespace rustml::boundary
