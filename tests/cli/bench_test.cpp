#include <gtest/gtest.h>

#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Bench, JsonHasTheFourFigures) {
  const Outcome outcome =
      infer({"bench", "--gguf", golden("base_q8_0.gguf"), "--prefill", "16", "--decode", "4", "--threads", "2", "--repeat", "3", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const base::Json json = base::parse_json(outcome.out, "bench");
  for (const char* key : {"prefill_tok_s", "decode_tok_s", "load_s", "peak_rss_bytes"}) {
    ASSERT_NE(json.find(key), nullptr) << key;
    EXPECT_GT(json.find(key)->number, 0.0) << key;
  }
  EXPECT_EQ(json.find("threads")->integer, 2);
}

TEST(Bench, TextNamesThem) {
  const Outcome outcome = infer({"bench", "--gguf", golden("base_q8_0.gguf"), "--prefill", "4", "--decode", "2", "--repeat", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"prefill 4", "decode 2", "tok/s", "peak memory"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << outcome.out;
}

TEST(Bench, RefusesWhatDoesNotFitTheContext) {
  const Outcome outcome = infer({"bench", "--gguf", golden("base_q8_0.gguf"), "--prefill", "64", "--decode", "8", "--context", "16"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("16"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace rustml::cli_test
