// The Llama family: llama, mistral, qwen2, qwen3.
#pragma once
#include "models/model.h"

namespace rustml::models {

std::unique_ptr<Model> bind_llama(WeightBinder& weights, const Config& config);
Config read_llama_gguf(const formats::ModelFile& file, const std::string& architecture);
Config read_llama_json(const formats::ModelFile& file, const std::string& architecture);

}  // namespace rustml::models
