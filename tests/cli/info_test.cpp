#include <gtest/gtest.h>

#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Info, TableNamesShapeAndMemory) {
  const Outcome outcome = infer({"info", "--gguf", golden("base_q8_0.gguf")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  // Shape "base" of tests/golden/make.py: 2 layers, 96 wide, 6 heads of 32, 2 for keys and values, 331 tokens.
  for (const char* part :
       {"llama", "layers          2\n", "6 (2 for keys and values), 32 wide", "96, feed-forward 64", "331 tokens", "1024 tokens"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in:\n" << outcome.out;
  }
}

TEST(Info, JsonIsOneObject) {
  const Outcome outcome = infer({"info", "--gguf", golden("base_q8_0.gguf"), "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(base::parse_json(outcome.out, "info").kind, base::Json::Kind::object);
}

TEST(Info, MemoryIsThatOfTheChosenQuantization) {
  const auto weights = [](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"info", "--gguf", golden("base_f32.gguf"), "--log", "info"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome outcome = infer(all);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const size_t at = outcome.out.find("memory          ");
    return std::pair(std::stod(outcome.out.substr(at + 16)), outcome.err);
  };
  const auto kept = weights({}), q8 = weights({"--quantize", "q8_0", "--quantize-min-dim", "1"}),
             q4 = weights({"--quantize", "q4_0", "--quantize-min-dim", "1"}),
             big = weights({"--quantize", "q8_0", "--quantize-min-dim", "4096"}), none = weights({"--quantize", "none"});
  EXPECT_LT(q8.first, kept.first / 3);
  EXPECT_LT(q4.first, q8.first);
  // 2 layers of seven matrices, and the head.
  EXPECT_NE(q8.second.find("Quantized 15 linear layers F32 -> Q8_0"), std::string::npos) << q8.second;
  EXPECT_NE(q4.second.find("Quantized 15 linear layers F32 -> Q4_0"), std::string::npos) << q4.second;
  for (const auto& same : {big, none}) {
    EXPECT_EQ(same.first, kept.first);
    EXPECT_EQ(same.second.find("Quantized"), std::string::npos) << same.second;
  }
}

TEST(Info, MissingFile) { EXPECT_EQ(infer({"info", "--gguf", "/no/such.gguf"}).exit_code, 3); }

}  // namespace
}  // namespace rustml::cli_test
