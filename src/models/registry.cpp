#include "models/registry.h"

#include "base/error.h"
#include "models/llama.h"

namespace rustml::models {

namespace {
constexpr Architecture kArchitectures[] = {
    {"llama", read_gguf_config, bind_llama},
};
}  // namespace

const Architecture& find_architecture(const formats::ModelFile& file) {
  const std::string name = file.require_string("general.architecture");
  std::string known;
  for (const Architecture& a : kArchitectures) {
    if (name == a.name) return a;
    known += (known.empty() ? "" : ", ") + std::string(a.name);
  }
  base::fail(base::Status::unimplemented, "architecture " + base::quoted(name) + " is not supported; supported: " + known);
}

}  // namespace rustml::models
