// A GGUF model in several files, as llama-gguf-split writes it: "<name>-00001-of-00003.gguf" and so on, in one directory.
// Every part is a whole GGUF file with the keys split.no (from 0), split.count and split.tensors.count (of all parts); the
// metadata of the model is in the first. Its own tensors may be none.
#pragma once
#include <string>

#include "formats/model_file.h"

namespace rustml::formats {

constexpr uint64_t kMaxGgufParts = 4096;  // more are resource_exhausted

bool is_gguf_part(const ModelFile& file);
void refuse_gguf_part(const ModelFile& file);  // unimplemented: without a path, its other parts cannot be found
// The whole model, from any of its parts and the path that part was opened by. A part that is missing is not_found, parts
// that contradict each other are data_loss; both name the file.
ModelFile join_gguf_parts(ModelFile part, const std::string& utf8_path, runtime::Call& call);

}  // namespace rustml::formats
