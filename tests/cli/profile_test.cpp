#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Profile, StagesLieInThePassesAndCountTheirBytes) {
  const Outcome outcome =
      infer({"profile", "--gguf", golden("base_q8_0.gguf"), "--prefill", "16", "--decode", "4", "--threads", "2", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const base::Json json = base::parse_json(outcome.out, "profile");
  EXPECT_GT(json.find("read_gb_s")->number, 0.0);
  for (const char* part : {"prefill", "decode"}) {
    const base::Json& table = *json.find(part);
    const int64_t passes = std::string(part) == "decode" ? 4 : 1, layers = 2;
    EXPECT_EQ(table.find("passes")->integer, passes);
    double share = 0;
    std::map<std::string, double> bytes;
    std::map<std::string, int64_t> calls;
    for (const base::Json& stage : table.find("stages")->items) {
      const std::string name(stage.find("name")->string);
      if (stage.find("depth")->integer == 0) share += stage.find("share")->number;
      calls[name] = stage.find("calls")->integer;
      bytes[name] = stage.find("gb_s")->number * stage.find("total_us")->number * 1e3;
    }
    // How large the share is depends on the machine: the stages of this model take microseconds, a late thread hundreds.
    EXPECT_GT(share, 0.0) << part;
    EXPECT_LE(share, 1.0001) << part;
    EXPECT_EQ(calls["LM_head"], passes);
    EXPECT_EQ(calls["ffn"], passes * layers);
    // Q8_0: 34 bytes for 32 weights. 96 wide, six heads and two pairs of key and value heads of 32, 331 words.
    const double q8 = 34.0 / 32, qkv = (6 + 2 + 2) * 32 * 96 * q8 * static_cast<double>(passes * layers);
    EXPECT_NEAR(bytes["QKV_proj"], qkv, 1e-3 * qkv) << part;
    // The head is multiplied in panels of 16 rows.
    const double head = 336 * 96 * q8 * static_cast<double>(passes);
    EXPECT_NEAR(bytes["LM_head"], head, 1e-3 * head) << part;
  }
}

TEST(Profile, TextNamesStagesAndTheReadLoop) {
  const Outcome outcome = infer({"profile", "--gguf", golden("base_q8_0.gguf"), "--prefill", "300", "--decode", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"Prompt of 300", "2 tokens after", "LM_head", "ffn", "GB/s", "bare read loop", "FFN of a layer"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << outcome.out;
  // Of the prompt both passes (256 and 44 tokens), with two layers each; of the tokens after it one.
  EXPECT_TRUE(std::regex_search(outcome.out, std::regex("Prompt of 300[^]*?\n  ffn +4 [^]*?\n  ffn +2 "))) << outcome.out;
}

TEST(Profile, RefusesATraceFile) {
  const Outcome outcome = infer({"profile", "--gguf", golden("base_q8_0.gguf"), "--trace", "x.json"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--trace"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace rustml::cli_test
