// The architectures: one row each.
#pragma once
#include <memory>
#include <string>

#include "models/model.h"

namespace rustml::models {

struct Architecture {
  const char* name;  // general.architecture
  Config (*read_config)(const formats::ModelFile& file, const std::string& architecture);
  std::unique_ptr<Model> (*bind)(WeightBinder& weights, const Config& config);
};

// unimplemented, naming the architecture and those supported; data_loss if the file names none.
const Architecture& find_architecture(const formats::ModelFile& file);

}  // namespace rustml::models
