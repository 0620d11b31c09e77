// The head of a GGUF v3 file: all of it but the tensors' values (layout: gguf.h). Values follow in the order of the tensors,
// each padded to a multiple of kGgufAlignment.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "formats/model_file.h"

namespace rustml::formats {

constexpr uint64_t kGgufAlignment = 32;

struct GgufTensor {
  std::string name;
  tensor::DType dtype;
  std::vector<int64_t> shape;  // outermost first
  uint64_t bytes() const;
};

// Zeros that follow `bytes` bytes.
inline uint64_t gguf_padding(uint64_t bytes) { return (kGgufAlignment - bytes % kGgufAlignment) % kGgufAlignment; }

// Numbers are written as what files usually have there: UINT32, INT32 and FLOAT32 where the value fits exactly (of an array:
// where all do), else the 64-bit type.
std::string gguf_head(const std::map<std::string, Value>& metadata, const std::vector<GgufTensor>& tensors);

}  // namespace rustml::formats
