#include <gtest/gtest.h>

#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Profile, StagesFillThePassesAndCountTheirBytes) {
  const Outcome outcome =
      infer({"profile", "--gguf", golden("base_q8_0.gguf"), "--prefill", "16", "--decode", "4", "--threads", "2", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const base::Json json = base::parse_json(outcome.out, "profile");
  EXPECT_GT(json.find("read_gb_s")->number, 0.0);
  for (const char* part : {"prefill", "decode"}) {
    const base::Json& table = *json.find(part);
    EXPECT_EQ(table.find("passes")->integer, std::string(part) == "decode" ? 4 : 1);
    double share = 0;
    bool head = false, ffn = false;
    for (const base::Json& stage : table.find("stages")->items) {
      if (stage.find("depth")->integer == 0) share += stage.find("share")->number;
      head = head || stage.find("name")->string == "LM_head";
      ffn = ffn || stage.find("name")->string == "ffn";
    }
    EXPECT_GT(share, 0.5) << part;
    EXPECT_LE(share, 1.0001) << part;
    EXPECT_TRUE(head && ffn) << part;
    EXPECT_GT(table.find("bytes")->integer, 0) << part;
  }
}

TEST(Profile, TextNamesStagesAndTheReadLoop) {
  const Outcome outcome = infer({"profile", "--gguf", golden("base_q8_0.gguf"), "--prefill", "4", "--decode", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"Prompt of 4", "2 tokens after", "LM_head", "ffn", "GB/s", "bare read loop", "FFN of a layer"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << outcome.out;
}

TEST(Profile, RefusesATraceFile) {
  const Outcome outcome = infer({"profile", "--gguf", golden("base_q8_0.gguf"), "--trace", "x.json"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--trace"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace rustml::cli_test
