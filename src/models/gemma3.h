// Gemma 3, text part.
#pragma once
#include "models/model.h"

namespace rustml::models {

std::unique_ptr<Model> bind_gemma3(WeightBinder& weights, const Config& config);
Config read_gemma3_gguf(const formats::ModelFile& file, const std::string& architecture);
Config read_gemma3_json(const formats::ModelFile& file, const std::string& architecture);

}  // namespace rustml::models
