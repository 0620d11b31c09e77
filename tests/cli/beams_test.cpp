// --beams: ranges and refusals, and the program against transformers' beam search on the golden models.
#include "cli/beams.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "program.h"

namespace rustml::cli_test {
namespace {

using Words = std::vector<std::string>;
const std::string kBeamModel = golden("base_q8_0.gguf");

std::string joined(const base::Json& ids) {
  std::string text;
  for (const base::Json& id : ids.items) text += std::to_string(id.integer) + " ";
  return text;
}

TEST(Beams, AreThoseOfTransformers) {
  const std::string cases = read_file(golden("beams.json"));
  const base::Json root = base::parse_json(cases, "beams.json");
  int n = 0;
  for (const base::Json& c : root.find("cases")->items) {
    if (!c.find("stop_ids")->items.empty() || n == 4) continue;
    ++n;  // the program has no --stop-ids
    const std::string name = c.find("model")->string;
    const base::Json model = base::parse_json(read_file(golden(name + ".json")), name);
    const auto number = [&](const char* key) { return std::to_string(c.find(key)->integer); };
    static const Words kEarly = {"heuristic", "first", "never"};
    char penalty[32];
    std::snprintf(penalty, sizeof penalty, "%g", c.find("length_penalty")->number);
    const Outcome outcome = infer(
        {"--gguf", golden(name + ".gguf"), "--prompt-ids",
         joined(*model.find("prompts")->items[static_cast<size_t>(c.find("prompt")->integer)].find("ids")), "--max-tokens",
         number("max_tokens"), "--beams", number("width"), "--num-return", number("n_best"), "--length-penalty", penalty,
         "--early-stopping", kEarly[static_cast<size_t>(c.find("early_stopping")->integer)], "--ignore-eos", "--kv-type", "f32", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const std::vector<base::Json> lines = events(outcome.out);
    const auto& wanted = c.find("hypotheses")->items;
    ASSERT_EQ(lines.size(), wanted.size() + 2);
    EXPECT_EQ(lines.back().find("finish_reason")->string, "length");
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(lines[i + 1].find("rank")->integer, static_cast<int64_t>(i));
      EXPECT_EQ(joined(*lines[i + 1].find("ids")), joined(*wanted[i].find("ids")));
      EXPECT_NEAR(lines[i + 1].find("score")->number, wanted[i].find("score")->number, 1e-3);
    }
  }
  EXPECT_EQ(n, 4);
}

TEST(Beams, TheBestIsTheAnswer) {
  Words words = {"--gguf", kBeamModel, "--prompt", "The capital", "--beams", "4", "--max-tokens", "8", "--ignore-eos"};
  const Outcome plain = infer(words);
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_NE(plain.err.find("generation   8 tokens"), std::string::npos) << plain.err;
  words.push_back("--json");
  const std::vector<base::Json> lines = events(infer(words).out);
  ASSERT_EQ(lines.size(), 6u) << "load, four beams, done";
  EXPECT_EQ(lines[1].find("text")->string, plain.out);
}

TEST(Beams, ATimeoutPrintsTheBestSoFar) {
  const Outcome outcome = infer({"--gguf", golden("slow_q4_0.gguf"), "--prompt", "a", "--beams", "4", "--max-tokens", "0", "--ignore-eos",
                                 "--context", "8192", "--timeout", "0.7", "--json"});
  EXPECT_EQ(outcome.exit_code, 124) << outcome.err;
  const std::vector<base::Json> lines = events(outcome.out);
  ASSERT_FALSE(lines.empty());
  if (lines.front().find("type")->string != "load" || lines.size() < 3) return;  // a machine too busy to load in time
  EXPECT_EQ(lines[1].find("finish_reason")->string, "deadline");
  EXPECT_EQ(lines.back().find("finish_reason")->string, "deadline");
}

TEST(Beams, UsageErrors) {
  const auto refused = [](Words more, const std::string& fragment) {
    Words words = {"--gguf", kBeamModel, "--prompt", "a"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = infer(words);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(fragment), std::string::npos) << outcome.err;
  };
  refused({"--beams", "0"}, "--beams 0: must be a whole number, 1 to 64");
  refused({"--beams", "65"}, "--beams 65");
  refused({"--length-penalty", "2"}, "need --beams");
  refused({"--beams", "2", "--length-penalty", "11"}, "--length-penalty 11");
  refused({"--beams", "2", "--length-penalty", "nan"}, "--length-penalty nan");
  refused({"--beams", "2", "--early-stopping", "soon"}, "--early-stopping soon: must be heuristic, first or never");
  refused({"--beams", "2", "--num-return", "3"}, "--num-return 3: must be at most the 2 of --beams");
  refused({"--beams", "2", "--num-return", "2"}, "--num-return: needs --json");
  refused({"--beams", "2", "--temperature", "1"}, "--beams: takes neither");
  refused({"--beams", "2", "--prompt-lookup", "4"}, "--beams: --prompt-lookup does not work with beams");
  refused({"--beams", "2", "--stop", "x"}, "--beams: takes neither");
}

}  // namespace
}  // namespace rustml::cli_test
