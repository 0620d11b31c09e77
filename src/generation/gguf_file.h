// Writing a model as one GGUF file.
#pragma once
#include <functional>

#include "formats/model_file.h"
#include "runtime/deadline.h"
#include "tensor/dtype.h"

namespace rustml::generation {

// `write` gets the whole file, in order. type: see models::plan_export. Progress counts the bytes written.
void write_gguf(const formats::ModelFile& file, tensor::DType type, const std::function<void(const void* data, uint64_t n)>& write,
                runtime::Call& call);

}  // namespace rustml::generation
