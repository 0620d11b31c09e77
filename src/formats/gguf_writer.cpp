#include "formats/gguf_writer.h"

#include <algorithm>
#include <array>
#include <limits>

#include "formats/gguf_values.h"

namespace rustml::formats {
namespace {

// The type of a file for a value or for items, narrow where all of them fit.
GgufType type_of(uint64_t, bool narrow) { return narrow ? kUint32 : kUint64; }
GgufType type_of(int64_t, bool narrow) { return narrow ? kInt32 : kInt64; }
GgufType type_of(double, bool narrow) { return narrow ? kFloat32 : kFloat64; }
GgufType type_of(bool, bool) { return kBool; }
GgufType type_of(uint8_t, bool) { return kUint8; }
GgufType type_of(int8_t, bool) { return kInt8; }
GgufType type_of(const std::string&, bool) { return kString; }

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
    str.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void text(const std::string& text) {
    raw(uint64_t{text.size()});
    str += text;
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
    raw(type_of(scalar, narrow));
    item(scalar, narrow);
  }
  void value(const std::shared_ptr<const Array>& array) {
    raw(kArray);
    std::visit([&](const auto& items) { this->items(items); }, array->items);
  }
  std::string str;

 private:
  template <class T>
  void items(const std::vector<T>& items) {
    const bool narrow = std::all_of(items.begin(), items.end(), [](const auto& i) { return is_narrow(static_cast<const T&>(i)); });
    raw(type_of(T(), narrow));
    raw(uint64_t{items.size()});
    for (const auto& i : items) item(static_cast<const T&>(i), narrow);
  }
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
  out.str.append(gguf_padding(out.str.size()), '\0');
  return std::move(out.str);
}

}  // namespace rustml::formats
