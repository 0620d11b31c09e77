// Text that knows who wrote each of its bytes: the model's template, or the caller's data. The knowledge survives concatenation, slices
// and filters, so that special tokens inside what people wrote never become tokens.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace rustml::chat {

enum class Origin : char { model = 0, data = 1 };

class Text {
 public:
  Text() = default;
  Text(std::string bytes, Origin origin) : bytes_(std::move(bytes)), origins_(bytes_.size(), static_cast<char>(origin)) {}
  static Text of_model(std::string_view bytes) { return {std::string(bytes), Origin::model}; }

  const std::string& bytes() const noexcept { return bytes_; }
  size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }
  Origin origin(size_t i) const noexcept { return static_cast<Origin>(origins_[i]); }

  // Bytes [begin, end).
  Text part(size_t begin, size_t end) const {
    Text out;
    out.bytes_.assign(bytes_, begin, end - begin);
    out.origins_.assign(origins_, begin, end - begin);
    return out;
  }
  void append(const Text& other) {
    bytes_ += other.bytes_;
    origins_ += other.origins_;
  }
  void append(const Text& other, size_t begin, size_t end) {
    bytes_.append(other.bytes_, begin, end - begin);
    origins_.append(other.origins_, begin, end - begin);
  }
  void append(std::string_view bytes, Origin origin) {
    bytes_ += bytes;
    origins_.append(bytes.size(), static_cast<char>(origin));
  }

 private:
  std::string bytes_, origins_;  // of the same length
};

}  // namespace rustml::chat
