// Writing a model as one GGUF file.
#pragma once
#include "generation/generation.h"

namespace rustml::generation {

// `write` gets the whole file, in order. type: see models::plan_export. Progress counts the bytes written.
void write_gguf(const formats::ModelFile& file, tensor::DType type, const Session::Write& write, runtime::Call& call);

}  // namespace rustml::generation
