// SafeTensors, as one strict pass over the header:
//   u64 n (little-endian), n bytes of JSON, padded with blanks at its end, then the data section that the offsets count from
//   { "__metadata__": { string: string }, "<name>": { "dtype": "F32", "shape": [rows, cols], "data_offsets": [begin, end] }, ... }
// Invariant: the tensors of a header that is returned have unique names and cover the data section exactly, without hole
// or overlap; each has as many bytes as its type and shape say. Work is O(n log n).
// Source: the format's description in the safetensors project.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "formats/model_file.h"

namespace rustml::formats {

// The published limits; a file beyond one of them is resource_exhausted.
namespace safetensors_limits {
constexpr uint64_t kHeaderBytes = uint64_t{32} << 20;
constexpr uint64_t kTensors = 65536;  // of all shards together
constexpr uint64_t kNameBytes = 4096, kDimensions = 8;
}  // namespace safetensors_limits

struct SafeTensorsHeader {
  std::vector<TensorInfo> tensors;                 // in the order of their data; offsets in the file
  std::map<std::string, std::string> unsupported;  // name -> type: tensors of types that nothing here computes with
};

// `name` is the file's, for messages. A type that the format does not have is unimplemented.
SafeTensorsHeader read_safetensors(base::FileReader& file, const std::string& name, runtime::Call& call);

}  // namespace rustml::formats
