// Writes SafeTensors bytes, right ones and wrong ones.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "formats/safetensors.h"

namespace rustml::formats::test {

// Length, header, data; `length` if another one than the header's is to stand there.
inline std::string safetensors(std::string_view header, std::string_view data = {}, std::optional<uint64_t> length = {}) {
  const uint64_t n = length.value_or(header.size());
  return std::string(reinterpret_cast<const char*>(&n), sizeof n).append(header).append(data);
}
// "<name>":{...} with the three fields as they stand.
inline std::string entry(std::string_view name, std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return '"' + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":" + std::string(offsets) + '}';
}

inline SafeTensorsHeader read_bytes(const std::string& bytes) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return read_safetensors(*base::open_memory(bytes.data(), bytes.size(), "m"), "m", call);
}

}  // namespace rustml::formats::test
