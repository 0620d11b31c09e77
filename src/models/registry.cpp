#include "models/registry.h"

#include "base/error.h"
#include "models/config_json.h"
#include "models/gemma3.h"
#include "models/gpt2.h"
#include "models/llama.h"

namespace rustml::models {

namespace {

using base::fail;
using base::Status;

constexpr const char* kModelPrefix[] = {"model.", ""};
constexpr const char* kGemmaPrefix[] = {"model.", "", "language_model.model.", "model.language_model."};
constexpr const char* kGpt2Prefix[] = {"", "transformer."};
// Buffers that old files carry, and heads that are the embedding once more.
constexpr const char* kLlamaIgnored[] = {"rotary_emb.inv_freq"};
constexpr const char* kGemmaIgnored[] = {"rotary_emb.inv_freq", "vision_tower.", "multi_modal_projector."};
constexpr const char* kGpt2Ignored[] = {".attn.bias", ".attn.masked_bias"};

constexpr Architecture kArchitectures[] = {
    {"gpt2", "gpt2", read_gpt2_gguf, read_gpt2_json, gpt2_names, kGpt2Prefix, kGpt2Ignored, bind_gpt2},
    {"gemma3", "gemma3_text", read_gemma3_gguf, read_gemma3_json, gemma3_names, kGemmaPrefix, kGemmaIgnored, bind_gemma3},
    {"gemma3", "gemma3", nullptr, read_gemma3_json, gemma3_names, kGemmaPrefix, kGemmaIgnored, bind_gemma3},
    {"llama", "llama", read_llama_gguf, read_llama_json, llama_names, kModelPrefix, kLlamaIgnored, bind_llama},
    {"mistral", "mistral", nullptr, read_llama_json, llama_names, kModelPrefix, kLlamaIgnored, bind_llama},
    {"qwen2", "qwen2", read_llama_gguf, read_llama_json, llama_names, kModelPrefix, kLlamaIgnored, bind_llama},
    {"qwen3", "qwen3", read_llama_gguf, read_llama_json, llama_names, kModelPrefix, kLlamaIgnored, bind_llama},
};

[[noreturn]] void refuse(const std::string& what, const std::string& name, bool json) {
  std::string known;
  for (const Architecture& a : kArchitectures)
    if (json ? a.hugging_face != nullptr : a.read_gguf != nullptr)
      known += (known.empty() ? "" : ", ") + std::string(json ? a.hugging_face : a.name);
  fail(Status::unimplemented, what + " " + base::quoted(name) + " is not supported; supported: " + known);
}

Plan plan_json(const formats::ModelFile& file) {
  const ConfigJson json(file);
  if (json.has("architectures") && json.texts("architectures").empty())
    json.fail("architectures", "is empty; it must name a class or be left out");
  const std::string type = json.text("model_type", "");
  if (type.empty()) json.fail("model_type", "is missing; it must be given");
  for (const Architecture& a : kArchitectures) {
    if (type != a.hugging_face) continue;
    Plan plan{&a, a.read_json(file, a.name), TensorNames(a.names(), a.prefixes, file)};
    plan.config.chat_template = read_chat_template(file);
    return plan;
  }
  refuse(file.name + "/config.json: model_type", type, true);
}

}  // namespace

Plan plan(const formats::ModelFile& file) {
  if (file.format == formats::Format::safetensors) return plan_json(file);
  const std::string name = file.require_string("general.architecture");
  for (const Architecture& a : kArchitectures)
    if (a.read_gguf && name == a.name) return {&a, a.read_gguf(file, a.name), {}};
  refuse("architecture", name, false);
}

std::unique_ptr<Model> bind(const Plan& plan, WeightBinder& weights) {
  std::unique_ptr<Model> model = plan.architecture->bind(weights, plan.config);
  std::vector<const char*> ignored(plan.architecture->ignored.begin(), plan.architecture->ignored.end());
  if (plan.config.tied) ignored.push_back("lm_head.weight");
  weights.require_all_bound(ignored);
  return model;
}

}  // namespace rustml::models
