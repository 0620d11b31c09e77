#include "models/registry.h"

#include "base/error.h"

namespace rustml::models {

extern const Family kGpt2, kGemma3, kLlama;  // each in a file of its name

namespace {

constexpr Architecture kArchitectures[] = {
    Architecture{"gpt2", "gpt2", "gpt2", &kGpt2},         Architecture{"gemma3", "gemma3", "gemma3_text", &kGemma3},
    Architecture{"gemma3", "gemma3", "gemma3", &kGemma3},  // with a vision part
    Architecture{"llama", "llama", "llama", &kLlama},     Architecture{"mistral", "llama", "mistral", &kLlama},
    Architecture{"qwen2", "qwen2", "qwen2", &kLlama},     Architecture{"qwen3", "qwen3", "qwen3", &kLlama},
};

// The first row that has `name` in this column, whose equal values are neighbours.
const Architecture& find_row(const char* Architecture::*column, const std::string& what, const std::string& name) {
  std::string known, before;
  for (const Architecture& a : kArchitectures) {
    const std::string value = a.*column;
    if (value == name) return a;
    if (value != before) known += (known.empty() ? "" : ", ") + value;
    before = value;
  }
  base::fail(base::Status::unimplemented, what + " " + base::quoted(name) + " is not supported; supported: " + known);
}

}  // namespace

const Architecture& architecture_of(const formats::ModelFile& file) {
  if (file.format == formats::Format::gguf)
    return find_row(&Architecture::gguf, "architecture", file.require_string("general.architecture"));
  const base::JsonFields json = config_fields(file);
  if (json.has("architectures") && json.texts("architectures").empty())
    json.fail("architectures", "is empty; it must name a class or be left out");
  const std::string type = json.text("model_type", "");
  if (type.empty()) json.fail("model_type", "is missing; it must be given");
  return find_row(&Architecture::hugging_face, file.name + "/config.json: model_type", type);
}

Plan plan(const formats::ModelFile& file) {
  const Architecture& a = architecture_of(file);
  const Family& family = *a.family;
  if (file.format == formats::Format::gguf) return {&a, family.read_gguf(file, a.name), {}};
  Plan plan{&a, family.read_json(file, a.name), TensorNames(family.names, family.prefixes, file)};
  plan.config.chat_template = read_chat_template(file);
  return plan;
}

std::unique_ptr<Decoder> bind(const Plan& plan, WeightBinder& weights) {
  auto model = std::make_unique<Decoder>(weights, plan.config);
  const std::span<const char* const> named = plan.architecture->family->ignored;
  std::vector<const char*> ignored(named.begin(), named.end());
  if (plan.config.tied) ignored.push_back("lm_head.weight");  // the embedding once more
  weights.require_all_bound(ignored);
  return model;
}

}  // namespace rustml::models
