#include "formats/gguf_writer.h"

#include <algorithm>
#include <array>
#include <limits>

namespace rustml::formats {
namespace {

enum ValueType : uint32_t { kUint8 = 0, kInt8, kUint32 = 4, kInt32, kFloat32, kBool, kString, kArray, kUint64, kInt64, kFloat64 };

// The type of a file for each type of Array's items, narrow and wide.
template <class T>
constexpr ValueType kNarrow = kString;
template <class T>
constexpr ValueType kWide = kString;
template <>
constexpr ValueType kNarrow<uint64_t> = kUint32;
template <>
constexpr ValueType kWide<uint64_t> = kUint64;
template <>
constexpr ValueType kNarrow<int64_t> = kInt32;
template <>
constexpr ValueType kWide<int64_t> = kInt64;
template <>
constexpr ValueType kNarrow<double> = kFloat32;
template <>
constexpr ValueType kWide<double> = kFloat64;
template <>
constexpr ValueType kNarrow<bool> = kBool;
template <>
constexpr ValueType kNarrow<uint8_t> = kUint8;
template <>
constexpr ValueType kNarrow<int8_t> = kInt8;

bool is_narrow(uint64_t n) { return n <= std::numeric_limits<uint32_t>::max(); }
bool is_narrow(int64_t n) { return n == static_cast<int32_t>(n); }
bool is_narrow(double n) { return static_cast<double>(static_cast<float>(n)) == n || n != n; }
template <class T>
bool is_narrow(const T&) {
  return true;
}

class Bytes {
 public:
  template <class T>
  void raw(T number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void text(const std::string& text) {
    raw(uint64_t{text.size()});
    out_ += text;
  }
  void item(uint64_t n, bool narrow) { narrow ? raw(static_cast<uint32_t>(n)) : raw(n); }
  void item(int64_t n, bool narrow) { narrow ? raw(static_cast<int32_t>(n)) : raw(n); }
  void item(double n, bool narrow) { narrow ? raw(static_cast<float>(n)) : raw(n); }
  void item(bool b, bool) { raw(static_cast<uint8_t>(b)); }
  void item(uint8_t n, bool) { raw(n); }
  void item(int8_t n, bool) { raw(n); }
  void item(const std::string& s, bool) { text(s); }

  template <class T>
  void value(const T& scalar) {
    const bool narrow = is_narrow(scalar);
    raw(static_cast<uint32_t>(narrow ? kNarrow<T> : kWide<T>));
    item(scalar, narrow);
  }
  void value(const std::shared_ptr<const Array>& array) {
    raw(static_cast<uint32_t>(kArray));
    std::visit([&](const auto& items) { this->items(items); }, array->items);
  }
  std::string take() { return std::move(out_); }
  uint64_t size() const { return out_.size(); }
  void zeros(uint64_t n) { out_.append(n, '\0'); }

 private:
  template <class T>
  void items(const std::vector<T>& items) {
    const bool narrow = std::all_of(items.begin(), items.end(), [](const auto& i) { return is_narrow(static_cast<const T&>(i)); });
    raw(static_cast<uint32_t>(narrow ? kNarrow<T> : kWide<T>));
    raw(uint64_t{items.size()});
    for (const auto& i : items) item(static_cast<const T&>(i), narrow);
  }
  std::string out_;
};

}  // namespace

uint64_t GgufTensor::bytes() const {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return static_cast<uint64_t>(rows * tensor::row_bytes(dtype, shape.back()));
}

std::string gguf_head(const std::map<std::string, Value>& metadata, const std::vector<GgufTensor>& tensors) {
  Bytes out;
  out.raw(std::array<char, 4>{'G', 'G', 'U', 'F'});
  out.raw(uint32_t{3});
  out.raw(uint64_t{tensors.size()});
  out.raw(uint64_t{metadata.size()});
  for (const auto& [key, value] : metadata) {
    out.text(key);
    std::visit([&](const auto& v) { out.value(v); }, value);
  }
  uint64_t offset = 0;
  for (const GgufTensor& t : tensors) {
    out.text(t.name);
    out.raw(static_cast<uint32_t>(t.shape.size()));
    for (size_t i = t.shape.size(); i-- > 0;) out.raw(static_cast<uint64_t>(t.shape[i]));
    out.raw(tensor::info(t.dtype).ggml_type);
    out.raw(offset);
    offset += t.bytes() + gguf_padding(t.bytes());
  }
  out.zeros(gguf_padding(out.size()));
  return out.take();
}

}  // namespace rustml::formats
