// GPT-2.
#pragma once
#include "models/model.h"

namespace rustml::models {

std::unique_ptr<Model> bind_gpt2(WeightBinder& weights, const Config& config);
Config read_gpt2_gguf(const formats::ModelFile& file, const std::string& architecture);
Config read_gpt2_json(const formats::ModelFile& file, const std::string& architecture);

}  // namespace rustml::models
