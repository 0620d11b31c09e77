// The architectures: one row each.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "models/model.h"

namespace rustml::models {

struct Architecture {
  const char* name;          // general.architecture of GGUF files, and what log lines say
  const char* hugging_face;  // model_type of config.json; null: none of its own
  Config (*read_gguf)(const formats::ModelFile& file, const std::string& architecture);  // null: there are no such files
  Config (*read_json)(const formats::ModelFile& file, const std::string& architecture);
  std::span<const NameRule> (*names)() noexcept;  // of SafeTensors
  std::span<const char* const> prefixes;          // that may stand before those names
  std::span<const char* const> ignored;           // parts of the names of tensors that are not weights of the text model
  std::unique_ptr<Model> (*bind)(WeightBinder& weights, const Config& config);
};

// What a file is bound with: see WeightBinder.
struct Plan {
  const Architecture* architecture;
  Config config;
  TensorNames names;
};
// unimplemented, naming the architecture and those supported; data_loss if the file names none or its configuration is wrong.
Plan plan(const formats::ModelFile& file);

// Binds everything; unimplemented if the file has tensors that the architecture has no place for.
std::unique_ptr<Model> bind(const Plan& plan, WeightBinder& weights);

}  // namespace rustml::models
