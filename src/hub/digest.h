// The SHA a blob is named by: SHA-256 of the bytes (LFS), or SHA-1 of git's blob, which is "blob <size>\0" and the bytes.
// The only place that knows OpenSSL.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rustml::hub {

class Digest {
 public:
  // `blob` as in is_blob; `size` of the content.
  Digest(std::string_view blob, uint64_t size);
  ~Digest();
  void add(const void* data, size_t n);
  bool matches();  // ends it

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string wanted_;
};

}  // namespace rustml::hub
