#include "cli/client.h"

#include <gtest/gtest.h>

#include <set>

#include "cli/exit_code.h"

namespace rustml::cli {
namespace {

TEST(Client, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(exit_code(RUSTML_OK), 0);
  EXPECT_EQ(exit_code(RUSTML_INTERNAL), 1);
  EXPECT_EQ(exit_code(RUSTML_RESOURCE_EXHAUSTED), 1);
  EXPECT_EQ(exit_code(RUSTML_OUT_OF_RANGE), 1);
  EXPECT_EQ(exit_code(RUSTML_INVALID_ARGUMENT), 2);
  EXPECT_EQ(exit_code(RUSTML_NOT_FOUND), 3);
  EXPECT_EQ(exit_code(RUSTML_UNIMPLEMENTED), 4);
  EXPECT_EQ(exit_code(RUSTML_DATA_LOSS), 4);
  EXPECT_EQ(exit_code(RUSTML_UNAVAILABLE), 5);
  EXPECT_EQ(exit_code(RUSTML_DEADLINE_EXCEEDED), 124);
  EXPECT_EQ(exit_code(RUSTML_CANCELLED), 130);
  for (const char* code :
       {"0 answer", "1 error", "2 usage", "3 file not found", "4 model unsupported", "5 network", "124 timeout", "130 Ctrl-C"}) {
    EXPECT_NE(std::string(kExitCodesHelp).find(code), std::string::npos) << code;
  }
}

TEST(Client, FailureCarriesTheLibrarysMessage) {
  rustml_model* model = nullptr;
  try {
    call([&](rustml_error** error) { return rustml_model_open("/no/such.gguf", RUSTML_NUL_TERMINATED, nullptr, &model, nullptr, error); });
    FAIL() << "opened";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), RUSTML_NOT_FOUND);
    EXPECT_NE(std::string(failure.what()).find("/no/such.gguf"), std::string::npos) << failure.what();
  }
  EXPECT_STREQ(take_failure(RUSTML_BUFFER_TOO_SMALL, nullptr).what(), "failed with status BUFFER_TOO_SMALL");
}

// The library's fields by the program's options; what is refused that has none, in the library's words.
TEST(Client, RefusedOptionsHaveTheirOwnNames) {
  EXPECT_EQ(in_words({RUSTML_OUT_OF_RANGE, "context_tokens is 9; ...", R"({"field":"context_tokens","value":9,"rule":"at most 8"})"}),
            "--context is 9; it must be at most 8");
  EXPECT_EQ(in_words({RUSTML_INVALID_ARGUMENT, "m", R"({"field":"simd_target","value":"a\"b","rule":"another"})"}),
            "--simd-target is \"a\\\"b\"; it must be another");
  EXPECT_EQ(in_words({RUSTML_INVALID_ARGUMENT, "width is 0", R"({"field":"width","value":0,"rule":"1 to 64"})"}), "width is 0");
  EXPECT_EQ(in_words({RUSTML_DATA_LOSS, "damaged", R"({"tensor":"x","want":[1],"got":[2]})"}), "damaged");
  EXPECT_EQ(in_words({RUSTML_DATA_LOSS, "damaged", "no JSON"}), "damaged");
  EXPECT_EQ(in_words({RUSTML_CANCELLED, "m"}), "stopped by Ctrl-C");
  EXPECT_EQ(in_words({RUSTML_DEADLINE_EXCEEDED, "m"}), "--timeout passed: m");
}

TEST(Client, ARefusedPromptSaysItsTokens) {
  EXPECT_EQ(refused_prompt_tokens({RUSTML_OUT_OF_RANGE, "m", R"({"field":"context_tokens","value":9,"prompt_tokens":412})"}), 412u);
  EXPECT_EQ(refused_prompt_tokens({RUSTML_OUT_OF_RANGE, "m", R"({"field":"context_tokens","value":9})"}), 0u);
  EXPECT_EQ(refused_prompt_tokens({RUSTML_DATA_LOSS, "m", R"({"prompt_tokens":412})"}), 0u);
}

TEST(Client, NamesAreDistinct) {
  std::set<std::string> names;
  for (int finish = RUSTML_FINISH_NONE; finish <= RUSTML_FINISH_ERROR; ++finish) names.insert(finish_name(finish));
  EXPECT_EQ(names.size(), 10u);
  EXPECT_STREQ(finish_name(RUSTML_FINISH_STOP_STRING), "stop_string");
  EXPECT_STREQ(finish_name(RUSTML_FINISH_CALLBACK), "callback");
  EXPECT_STREQ(status_name(RUSTML_OK), "OK");
  EXPECT_STREQ(status_name(RUSTML_NOT_FOUND), "NOT_FOUND");
  EXPECT_STREQ(status_name(RUSTML_OUT_OF_RANGE), "OUT_OF_RANGE");
  EXPECT_STREQ(status_name(RUSTML_DATA_LOSS), "DATA_LOSS");
  EXPECT_STREQ(status_name(RUSTML_BUSY), "BUSY");
  EXPECT_STREQ(status_name(RUSTML_FORKED), "FORKED");
  EXPECT_STREQ(status_name(RUSTML_DONE), "DONE");
  for (const int32_t none : {-1, 2, 16, 99, 108, 9999}) EXPECT_STREQ(status_name(none), "UNKNOWN");
}

}  // namespace
}  // namespace rustml::cli
