// Writes GGUF bytes piece by piece, right ones and wrong ones.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rustml::formats::test {

enum ValueType : uint32_t { U8, I8, U16, I16, U32, I32, F32, BOOL, STR, ARR, U64, I64, F64 };
enum TensorType : int32_t { T_F32 = 0, T_F16 = 1, T_Q4_0 = 2, T_Q8_0 = 8, T_I8 = 24, T_I64 = 27 };

template <class T>
std::string raw(T number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}
inline std::string text(std::string_view bytes) { return raw(uint64_t{bytes.size()}) + std::string(bytes); }
inline std::string key(std::string_view name, uint32_t type, std::string_view payload) {
  return text(name) + raw(type) + std::string(payload);
}
inline std::string array(std::string_view name, uint32_t item_type, uint64_t count, std::string_view payload) {
  return key(name, ARR, raw(item_type) + raw(count) + std::string(payload));
}
inline std::string tensor(std::string_view name, const std::vector<uint64_t>& dims, int32_t type, uint64_t offset,
                          std::optional<uint32_t> n_dims = {}) {
  std::string out = text(name) + raw(n_dims.value_or(static_cast<uint32_t>(dims.size())));
  for (const uint64_t dim : dims) out += raw(dim);
  return out + raw(type) + raw(offset);
}
inline std::string header(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
  return "GGUF" + raw(version) + raw(n_tensors) + raw(n_keys);
}
// The whole file: padded to `alignment` before `data` if there are tensors and alignment is not 0.
inline std::string gguf(const std::vector<std::string>& keys, const std::vector<std::string>& tensors, std::string_view data = {},
                        uint64_t alignment = 32, uint32_t version = 3) {
  std::string out = header(tensors.size(), keys.size(), version);
  for (const std::string& part : keys) out += part;
  for (const std::string& part : tensors) out += part;
  while (!tensors.empty() && alignment != 0 && out.size() % alignment != 0) out += '\0';
  return out.append(data);
}
inline std::string zeros(size_t n) { return std::string(n, '\0'); }
inline std::string architecture() { return key("general.architecture", STR, text("gpt2")); }

}  // namespace rustml::formats::test
