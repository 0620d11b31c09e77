// The tokenizer of a Hugging Face directory as the keys tokenizer.ggml.* of a GGUF file.
#pragma once
#include <map>
#include <string>

#include "formats/model_file.h"

namespace rustml::tokenizer {

// n_tokens: rows of the embedding; ids without a token get names that nothing finds. Nothing where there is no tokenizer.json.
// unimplemented for what GGUF cannot say, by name.
void export_gguf(const formats::ModelFile& file, int64_t n_tokens, std::map<std::string, formats::Value>& metadata, runtime::Call& call);

}  // namespace rustml::tokenizer
