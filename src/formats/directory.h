// A Hugging Face model directory: config.json, weights as SafeTensors, tokenizer and settings as JSON texts.
// Invariant: nothing outside of it is read. Links may lead to files of the same directory, or, in the layout of the hub's
// cache (<repository>/snapshots/<commit>/config.json -> ../../blobs/<hash>), of the same repository.
#pragma once
#include <string>

#include "formats/model_file.h"

namespace rustml::formats {

// The published limits; a larger file is resource_exhausted.
namespace directory_limits {
constexpr uint64_t kConfigBytes = uint64_t{4} << 20;  // of every text but the next two
constexpr uint64_t kTokenizerBytes = uint64_t{256} << 20, kIndexBytes = uint64_t{64} << 20;
}  // namespace directory_limits

// `utf8_path` is a directory. not_found naming what is missing; permission_denied for a link that leads out.
ModelFile read_directory(const std::string& utf8_path, runtime::Call& call);

}  // namespace rustml::formats
