// Rule 3 of the ABI: structs that begin with struct_size and only grow at their end.
//
// In: a field counts if it lies wholly inside the caller's struct_size, others have their defaults; bytes beyond our own
// fields must be zero, else a newer caller would silently lose an option. Out: the caller's bytes beyond our fields are
// zeroed. struct_size is 8 to 65,536. Where fields end is generated: Layout<T>.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "boundary/arguments.h"
#include "boundary/defaults_generated.h"
#include "boundary/layouts_generated.h"

namespace rustml::boundary {

constexpr uint32_t kMinStruct = 8, kMaxStruct = 65536;

// What an option struct says where its caller says nothing.
template <class T>
T defaults() noexcept {
  T value{};
  value.struct_size = sizeof(T);
  set_defaults(value);
  return value;
}

// How many bytes of a T of `size` bytes are whole fields.
template <class T>
constexpr size_t whole_fields(uint32_t size) noexcept {
  static_assert(std::end(Layout<T>::kFieldEnds)[-1] == sizeof(T));
  return std::upper_bound(std::begin(Layout<T>::kFieldEnds), std::end(Layout<T>::kFieldEnds), size)[-1];
}

template <class T>
uint32_t struct_size_of(const T* given) noexcept {
  uint32_t size;
  std::memcpy(&size, given, sizeof size);
  return size;
}
void check_struct_size(uint32_t size, const char* name);
// Throws unless bytes [from, to) of `data` are zero.
void check_zero_tail(const void* data, size_t from, size_t to, const char* name);

// Copies what counts over the defaults, without checking anything: false if not even struct_size makes sense.
template <class T>
bool peek_struct(const T* given, T& out) noexcept {
  out = defaults<T>();
  const uint32_t size = given ? struct_size_of(given) : 0;
  if (size < kMinStruct || size > kMaxStruct) return false;
  std::memcpy(static_cast<void*>(&out), given, whole_fields<T>(size));
  return true;
}

template <class T>
T read_struct(const T* given) {
  T out;
  if (given) {
    const uint32_t size = struct_size_of(given);
    check_struct_size(size, Layout<T>::kName);
    check_zero_tail(given, sizeof(T), size, Layout<T>::kName);
  }
  peek_struct(given, out);
  require_reserved_zero(out);
  return out;
}

template <class T>
int32_t init_struct(T* out, uint32_t size) noexcept {
  if (!out || size < kMinStruct || size > kMaxStruct) return RUSTML_INVALID_ARGUMENT;
  std::memset(static_cast<void*>(out), 0, size);
  const T values = defaults<T>();
  std::memcpy(static_cast<void*>(out), &values, whole_fields<T>(size));
  std::memcpy(static_cast<void*>(out), &size, sizeof size);
  return RUSTML_OK;
}

// Element `i` of a caller's array, whose elements all have the first one's struct_size.
template <class T>
T* element(T* first, uint64_t i) {
  const uint32_t stride = struct_size_of(first);
  check_struct_size(stride, Layout<std::remove_const_t<T>>::kName);
  auto* at = reinterpret_cast<std::conditional_t<std::is_const_v<T>, const char, char>*>(first) + i * stride;
  const uint32_t size = struct_size_of(reinterpret_cast<T*>(at));
  if (size != stride) refuse_field("struct_size", size, "the " + std::to_string(stride) + " of the array's first element");
  return reinterpret_cast<T*>(at);
}

// An output struct of the caller: checked when made, written at the end.
template <class T>
class OutStruct {
 public:
  explicit OutStruct(T* out, bool optional = false) : out_(out) {
    if (!out && optional) return;
    require_pointer(out, Layout<T>::kName);
    size_ = struct_size_of(out);
    check_struct_size(size_, Layout<T>::kName);
  }
  void write(T value) const noexcept {
    if (!out_) return;
    value.struct_size = size_;
    auto* bytes = reinterpret_cast<unsigned char*>(out_);
    const size_t known = std::min<size_t>(size_, sizeof(T));
    std::memcpy(bytes, &value, known);
    std::memset(bytes + known, 0, size_ - known);
  }

 private:
  T* out_;
  uint32_t size_ = 0;
};

}  // namespace rustml::boundary
