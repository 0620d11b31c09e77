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

TEST(Info, MissingFile) { EXPECT_EQ(infer({"info", "--gguf", "/no/such.gguf"}).exit_code, 3); }

}  // namespace
}  // namespace rustml::cli_test
