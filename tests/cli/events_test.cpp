// Strings against the strict parser of base, events against the published schema.
#include "cli/events.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json.h"
#include "cli/load.h"
#include "program.h"

namespace rustml::cli {
namespace {

std::string round_trip(const std::string& text) { return base::parse_json(json_string(text), "string").string; }

TEST(Events, StringsSurviveTheStrictParser) {
  std::string controls;
  for (int c = 1; c < 0x80; ++c) controls += static_cast<char>(c);
  controls += '\0';
  for (const std::string& text :
       {std::string(), controls, std::string("gr\xC3\xBC\xC3\x9F \xE4\xB8\xAD \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF")}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Events, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const std::string kReplacement = "\xEF\xBF\xBD";
  EXPECT_EQ(round_trip("a\xFF z"), "a" + kReplacement + " z");
  EXPECT_EQ(round_trip("\xC0\xAF"), kReplacement + kReplacement) << "overlong";
  EXPECT_EQ(round_trip("\xED\xA0\x80"), kReplacement + kReplacement + kReplacement) << "surrogate";
  EXPECT_EQ(round_trip("\xF0\x9F\x98"), kReplacement + kReplacement + kReplacement) << "cut off";
  EXPECT_EQ(round_trip("\xF4\x90\x80\x80").size(), 4 * kReplacement.size()) << "beyond U+10FFFF";
}

TEST(Events, NumbersJsonCannotHoldAreNull) {
  EXPECT_EQ(JsonObject().real("a", NAN).real("b", -INFINITY).real("c", -0.25).whole("d", UINT64_MAX).str(),
            R"({"a":null,"b":null,"c":-0.25,"d":18446744073709551615})");
  EXPECT_EQ(JsonObject().str(), "{}");
}

TEST(Events, LinesFollowTheSchema) {
  const rustml_token_logprob top[] = {{3, -0.5f}, {4, -INFINITY}};
  rustml_event token{};
  token.token_id = 3;
  token.text = "x\n";
  token.text_len = 2;
  token.logprob = NAN;
  token.top = top;
  token.n_top = 2;
  rustml_result result{};
  result.finish = RUSTML_FINISH_LENGTH;
  Loaded loaded{};
  loaded.info.vocab_size = 1;
  loaded.info.context_length = 1;
  loaded.info.n_threads = 1;
  const std::string lines = load_event("a \"b\".gguf", loaded) + "\n" + token_event(token) + "\n" + done_event(result, "tail", -1, 7, 0.5) +
                            "\n" + error_event(Failure(RUSTML_NOT_FOUND, "file \xFF")) + "\n";
  const std::vector<base::Json> parsed = cli_test::events(lines);
  ASSERT_EQ(parsed.size(), 4u);
  EXPECT_EQ(parsed[1].find("logprob")->kind, base::Json::Kind::null);
  EXPECT_EQ(parsed[1].find("top")->items.size(), 2u);
  EXPECT_EQ(parsed[2].find("stop_id")->kind, base::Json::Kind::null);
  EXPECT_EQ(parsed[2].find("text")->string, "tail");
  EXPECT_EQ(parsed[3].find("status")->string, "NOT_FOUND");
}

}  // namespace
}  // namespace rustml::cli
