#include "base/json.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

TEST(Describe, IsOneJsonObjectThatAgreesWithInfo) {
  const auto engine = open_tiny("odd_f16");
  const base::Json all = base::parse_json(engine->describe_json(), "description");
  const ModelInfo info = engine->info();
  EXPECT_EQ(all.find("architecture")->string, "llama");
  EXPECT_EQ(static_cast<uint64_t>(all.find("parameters")->integer), info.n_parameters);
  EXPECT_EQ(all.find("config")->find("head_dim")->integer, 22);
  EXPECT_EQ(all.find("tokenizer")->find("size")->integer, 347);
  EXPECT_EQ(static_cast<uint64_t>(all.find("memory_bytes")->find("weights")->integer), info.weight_bytes);
  EXPECT_EQ(all.find("chat")->string, "template");
}

}  // namespace
}  // namespace rustml::generation
