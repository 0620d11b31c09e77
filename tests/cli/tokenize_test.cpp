// Ids against those of Hugging Face's tokenizers in the golden files.
#include <gtest/gtest.h>

#include <algorithm>

#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Tokenize, IdsAreTheReferenceOnes) {
  const base::Json reference = base::parse_json(read_file(golden("base_q8_0.json")), "reference");
  ASSERT_FALSE(reference.find("encodings")->items.empty());
  for (const base::Json& encoding : reference.find("encodings")->items) {
    const std::string& text = encoding.find("text")->string;
    std::string ids;
    for (const base::Json& id : encoding.find("ids")->items) ids += (ids.empty() ? "" : " ") + std::to_string(id.integer);
    const Outcome outcome =
        infer({"tokenize", "--gguf", golden("base_q8_0.gguf"), "--prompt", "-", "--no-special", "--ids"}, {.text = text});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, ids + "\n") << text;
  }
}

TEST(Tokenize, PiecesJoinToTheText) {
  const Outcome outcome =
      infer({"tokenize", "--gguf", golden("base_q8_0.gguf"), "--prompt", "The capital of France", "--no-special", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const base::Json json = base::parse_json(outcome.out, "tokenize");
  std::string text, ids;
  for (const base::Json& piece : json.find("pieces")->items) text += piece.string;
  for (const base::Json& id : json.find("ids")->items) ids += std::to_string(id.integer) + " ";
  EXPECT_EQ(text, "The capital of France");
  const Outcome back = infer({"tokenize", "--gguf", golden("base_q8_0.gguf"), "--prompt-ids", ids, "--json"});
  EXPECT_EQ(back.out, outcome.out);
  const Outcome table = infer({"tokenize", "--gguf", golden("base_q8_0.gguf"), "--prompt-ids", ids});
  EXPECT_EQ(static_cast<size_t>(std::count(table.out.begin(), table.out.end(), '\n')), json.find("ids")->items.size());
}

TEST(Tokenize, NeedsOneKindOfInput) {
  EXPECT_EQ(infer({"tokenize", "--gguf", golden("base_q8_0.gguf")}).exit_code, 2);
  EXPECT_EQ(infer({"tokenize", "--gguf", golden("base_q8_0.gguf"), "--prompt-ids", "1 99999999"}).exit_code, 2);
}

}  // namespace
}  // namespace rustml::cli_test
