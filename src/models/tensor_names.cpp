#include "models/tensor_names.h"

#include "base/error.h"

namespace rustml::models {

TensorNames::TensorNames(std::span<const NameRule> rules, std::span<const char* const> prefixes, const formats::ModelFile& file)
    : rules_(rules) {
  for (const char* prefix : prefixes) {
    prefix_ = prefix;
    if (file.find(in_file("token_embd.weight"))) return;
  }
  prefix_ = prefixes.front();
  base::fail(base::Status::data_loss,
             file.name + ": tensor " + in_file("token_embd.weight") + " is missing; without it the files are no model of this kind");
}

std::string TensorNames::in_file(const std::string& gguf_name) const {
  if (rules_.empty()) return gguf_name;
  // <stem>.<weight or bias>, the stem with the layer's number taken out
  const size_t dot = gguf_name.rfind('.');
  std::string stem = gguf_name.substr(0, dot), layer;
  if (stem.starts_with("blk.")) {
    const size_t end = stem.find('.', 4);
    layer = stem.substr(4, end - 4);
    stem.replace(4, layer.size(), "{}");
  }
  for (const NameRule& rule : rules_) {
    if (stem != rule.gguf) continue;
    std::string name = rule.hugging_face;
    if (const size_t at = name.find("{}"); at != std::string::npos) name.replace(at, 2, layer);
    return (name == "lm_head" ? name : prefix_ + name) + gguf_name.substr(dot);
  }
  return {};
}

}  // namespace rustml::models
