// Reading what callers point at, by the rules of rustml.h.
#pragma once
#include <rustml_hub.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rustml::hub {

// Valid UTF-8 without NUL bytes; NULL with length 0 is empty. `name` for messages. Throws invalid_argument.
std::string read_text(const char* ptr, uint64_t len, const char* name);

// Where each field of a struct ends: a field counts if the caller's struct_size covers it wholly.
template <class T>
struct Fields;
template <>
struct Fields<rustml_hub_options> {
  static constexpr const char* kName = "rustml_hub_options";
  static constexpr size_t kEnds[] = {8, 24, 40, 56};
};
template <>
struct Fields<rustml_call_options> {
  static constexpr const char* kName = "rustml_call_options";
  static constexpr size_t kEnds[] = {8, 16, 24, 32};
};
template <>
struct Fields<rustml_callback> {
  static constexpr const char* kName = "rustml_callback";
  static constexpr size_t kEnds[] = {8, 16, 24, 32};
};

constexpr uint32_t kMinStruct = 8, kMaxStruct = 65536;
void check_struct(const void* given, uint32_t size, size_t known, const char* name);  // throws invalid_argument

// Copies what counts over zeros; false if not even struct_size makes sense.
template <class T>
bool peek_struct(const T* given, T& out) noexcept {
  static_assert(Fields<T>::kEnds[std::size(Fields<T>::kEnds) - 1] == sizeof(T));
  out = {};
  uint32_t size = 0;
  if (given) std::memcpy(&size, given, sizeof size);
  if (size < kMinStruct || size > kMaxStruct) return false;
  size_t whole = 0;
  for (const size_t end : Fields<T>::kEnds)
    if (end <= size) whole = end;
  std::memcpy(&out, given, whole);
  out.struct_size = sizeof(T);
  return true;
}

template <class T>
T read_struct(const T* given) {
  T out;
  if (given) check_struct(given, given->struct_size, sizeof(T), Fields<T>::kName);
  peek_struct(given, out);
  out.struct_size = sizeof(T);
  return out;
}

// A caller's buffer, checked before any work is done for it.
class OutText {
 public:
  OutText(char* buf, uint64_t capacity, uint64_t* needed);
  base::Status fill(std::string_view text) const noexcept;  // ok or buffer_too_small

 private:
  char* buf_;
  uint64_t capacity_;
  uint64_t* needed_;
};

}  // namespace rustml::hub
