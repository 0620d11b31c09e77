// model.safetensors.index.json: which shard of a model holds which tensor.
//   { "metadata": {...}, "weight_map": { "<tensor>": "model-00001-of-00002.safetensors", ... } }
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/deadline.h"

namespace rustml::formats {

constexpr uint64_t kMaxShards = 4096;  // more are resource_exhausted

struct SafeTensorsIndex {
  std::vector<std::string> shards;          // plain file names: nothing in them leads out of the directory
  std::map<std::string, uint32_t> tensors;  // name -> shards[i]
};

// `name` is the file's, for messages. data_loss where it is damaged or names anything but files of its directory.
SafeTensorsIndex read_safetensors_index(std::string_view json, const std::string& name, runtime::Call& call);

}  // namespace rustml::formats
