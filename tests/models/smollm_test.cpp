// SmolLM under its own name is the Llama that it is.
#include <gtest/gtest.h>

#include "made_file.h"

namespace rustml::models {
namespace {

TEST(Smollm, GivesTheLogitsOfTheSameLlama) {
  MadeFile llama = llama_file(2), smollm = llama_file(2);
  smollm.text("general.architecture", "smollm").number("smollm.block_count", 2).number("smollm.embedding_length", 32);
  smollm.number("smollm.feed_forward_length", 48).number("smollm.attention.head_count", 4).number("smollm.attention.head_count_kv", 2);
  smollm.number("smollm.context_length", 64).real("smollm.attention.layer_norm_rms_epsilon", 1e-5);
  EXPECT_EQ(config_of(smollm.file()).architecture, "smollm");
  EXPECT_EQ(logits_of(smollm.file(), {3, 1, 4, 1, 5}, 2, 2), logits_of(llama.file(), {3, 1, 4, 1, 5}, 1, 5));
}

}  // namespace
}  // namespace rustml::models
