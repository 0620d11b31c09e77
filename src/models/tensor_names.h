// What the tensors of a Hugging Face directory are called. Inside, tensors have the names of GGUF files.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "formats/model_file.h"

namespace rustml::models {

// Tensors of GGUF files that hold an image encoder (v.*) and what joins it to the text model (mm.*).
inline bool is_of_images(std::string_view gguf_name) { return gguf_name.starts_with("v.") || gguf_name.starts_with("mm."); }

// "{}" stands for the layer.
struct NameRule {
  const char *gguf, *hugging_face;
};

class TensorNames {
 public:
  // As they are: GGUF.
  TensorNames() = default;
  // The first of `prefixes` under which the file has the embedding goes before all names but those that begin with "lm_head";
  // data_loss naming the embedding if there is none.
  TensorNames(std::span<const NameRule> rules, std::span<const char* const> prefixes, const formats::ModelFile& file);

  // "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight". A name without a rule: empty.
  std::string in_file(const std::string& gguf_name) const;

 private:
  std::span<const NameRule> rules_;
  std::string prefix_;
};

}  // namespace rustml::models
