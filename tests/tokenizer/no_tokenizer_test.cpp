#include <gtest/gtest.h>

#include "../base/expect_error.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {
namespace {

TEST(NoTokenizer, IdsWorkAndTextSaysWhatIsMissing) {
  const auto tokenizer = no_tokenizer(7);
  runtime::StopSignal none;
  const int32_t id = 3;
  EXPECT_EQ(tokenizer->size(), 7);
  EXPECT_FALSE(tokenizer->exists());
  EXPECT_TRUE(tokenizer->token_bytes(id).empty());
  EXPECT_TRUE(tokenizer->stop_ids().empty());
  EXPECT_ERROR(tokenizer->encode("a", {}, none), base::Status::failed_precondition, "tokenizer.json");
  EXPECT_ERROR(tokenizer->encode_spans({{"a", true}}, {}, none), base::Status::failed_precondition, "tokenizer.json");
  EXPECT_ERROR(tokenizer->decode(&id, 1, false), base::Status::failed_precondition, "tokenizer.json");
}

}  // namespace
}  // namespace rustml::tokenizer
