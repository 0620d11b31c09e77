// A model of any format as the keys and tensors of a GGUF file, called and laid out as llama.cpp's converter does.
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "formats/gguf_writer.h"
#include "models/weights.h"

namespace rustml::models {

struct ExportTensor {
  formats::GgufTensor to;
  const formats::TensorInfo* from = nullptr;  // null: `values`
  std::vector<float> values;                  // of the whole tensor
  bool transposed = false;                    // the file has [cols, rows]
  RowOrder order;                             // row order.file_row(r) is row r of the file
  float plus = 0, times = 1;                  // (value + plus) * times
};

struct Export {
  std::map<std::string, formats::Value> metadata;  // of a GGUF file: all it has; else without tokenizer.*
  std::vector<ExportTensor> tensors;
  int64_t vocab = 0;
};

// Matrices get `type`, one that tensor::can_quantize; F16 where their rows are no multiple of its blocks. Vectors and embedded
// positions get F32. Checks the file as binding does; unimplemented for what GGUF has no place for.
Export plan_export(const formats::ModelFile& file, tensor::DType type);

// A tensor's bytes are those of its bands, one after the other: a few megabytes each, made independently and in any order.
int64_t n_bands(const ExportTensor& tensor);
std::vector<std::byte> make_band(const formats::ModelFile& file, const ExportTensor& tensor, int64_t index);

}  // namespace rustml::models
