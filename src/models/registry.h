// The architectures: one row each.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "models/config.h"
#include "models/decoder.h"

namespace rustml::models {

struct ExportTensor;

// What a source file defines of an architecture and its relatives, which are told apart by name.
struct Family {
  Config (*read_gguf)(const formats::ModelFile& file, const std::string& architecture);
  Config (*read_json)(const formats::ModelFile& file, const std::string& architecture);  // config.json
  // A configuration as keys of a GGUF file; unimplemented for what they have no place for.
  void (*export_keys)(const Config& config, const GgufKeyWriter& keys);
  // What becomes of a tensor of SafeTensors in a GGUF file besides what Config says; null: nothing.
  void (*export_tensor)(const Config& config, ExportTensor& tensor);
  std::span<const NameRule> names;        // of SafeTensors
  std::span<const char* const> prefixes;  // that may stand before those names
  std::span<const char* const> ignored;   // parts of the names of tensors that are not weights of the text model
};

struct Architecture {
  const char* name;          // as Config and log lines have it
  const char* gguf;          // general.architecture of GGUF files; of several rows the first reads them
  const char* hugging_face;  // model_type of config.json
  const Family* family;
};

// What a file is bound with: see WeightBinder.
struct Plan {
  const Architecture* architecture;
  Config config;
  TensorNames names;
};

// unimplemented, naming the architecture and those supported; data_loss if the file names none.
const Architecture& architecture_of(const formats::ModelFile& file);
// The same, and data_loss if the file's configuration is wrong.
Plan plan(const formats::ModelFile& file);

// Binds everything; unimplemented if the file has tensors that the architecture has no place for.
std::unique_ptr<Decoder> bind(const Plan& plan, WeightBinder& weights);

}  // namespace rustml::models
