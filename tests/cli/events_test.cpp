// Events against the published schema.
#include "cli/events.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json.h"
#include "cli/load.h"
#include "program.h"

namespace rustml::cli {
namespace {

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
                            "\n" + error_event(Failure(RUSTML_NOT_FOUND, "file \xFF")) + "\n" + dropped_event(3, 412, 160) + "\n";
  const std::vector<base::Json> parsed = cli_test::events(lines);
  ASSERT_EQ(parsed.size(), 5u);
  EXPECT_EQ(parsed[1].find("logprob")->kind, base::Json::Kind::null);
  EXPECT_EQ(parsed[1].find("top")->items.size(), 2u);
  EXPECT_EQ(parsed[2].find("stop_id")->kind, base::Json::Kind::null);
  EXPECT_EQ(parsed[2].find("text")->string, "tail");
  EXPECT_EQ(parsed[3].find("status")->string, "NOT_FOUND");
  EXPECT_EQ(parsed[4].find("tokens")->integer, 412);
}

}  // namespace
}  // namespace rustml::cli
