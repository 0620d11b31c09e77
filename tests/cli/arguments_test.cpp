// Ranges of the options and the words of their refusals: option, value, limit, way out.
#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rustml::cli {
namespace {

// Parses `words` with every shared option declared; the message of the refusal, empty if there was none.
std::string refusal(const std::vector<std::string>& words, SamplingArguments* parsed = nullptr) {
  Options options("test", "", "");
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling(256);
  add_model_options(options, model);
  add_session_options(options, session);
  add_sampling_options(options, sampling);
  std::vector<const char*> argv = {"test"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  try {
    EXPECT_EQ(options.parse(static_cast<int>(argv.size()), argv.data()), "");
  } catch (const UsageError& error) {
    return error.what();
  }
  if (parsed != nullptr) *parsed = sampling;
  return {};
}

TEST(Arguments, RefusalsNameTheOptionTheValueTheLimitAndTheWayOut) {
  EXPECT_EQ(refusal({"--temperature", "-1"}), "--temperature -1: must be 0 or more; 0 is greedy");
  EXPECT_EQ(refusal({"--top-p", "1.5"}), "--top-p 1.5: must be above 0 and at most 1; 1 turns it off");
  EXPECT_EQ(refusal({"--top-k", "0"}), "--top-k 0: must be a whole number, 1 to 2147483647; to turn it off, leave --top-k out");
  EXPECT_EQ(refusal({"--kv-type", "f64"}), "--kv-type f64: must be f32, f16 or q8_0; f16 is the default");
  EXPECT_EQ(refusal({"--quantize", "q2_k"}), "--quantize q2_k: must be none, q8_0 or q4_0; leave it out for the default");
  EXPECT_EQ(refusal({"--max-tokens", "-5"}), "--max-tokens -5: must be a whole number, 0 or more; 0 goes on until the context is full");
}

TEST(Arguments, RefusesEveryValueOutsideItsRange) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> table = {
      {"--temperature", {"-0.001", "nan", "inf", "1e300", "", "warm", "1x", "0x1p3"}},
      {"--top-k", {"0", "-1", "2147483648", "1.5", "99999999999999999999", ""}},
      {"--top-p", {"0", "-0.5", "1.0001", "nan"}},
      {"--min-p", {"-0.1", "1.1", "nan"}},
      {"--typical-p", {"0", "1.1"}},
      {"--repetition-penalty", {"0", "-1", "inf"}},
      {"--presence-penalty", {"-100.5", "101"}},
      {"--frequency-penalty", {"-100.5", "101"}},
      {"--repetition-window", {"-1", "4294967296"}},
      {"--timeout", {"0", "-1", "nan", "soon", "1e10"}},
      {"--seed", {"-1", "18446744073709551616", "x"}},
      {"--threads", {"0", "257", "-1"}},
      {"--context", {"0", "-1", "1073741825"}},
      {"--kv-type", {"", "F16", "q4_0"}},
      {"--quantize", {"", "Q8_0", "q5_0", "auto"}},
      {"--quantize-min-dim", {"0", "-1", "4294967296"}},
      {"--logprobs", {"0", "101"}},
      {"--prompt-lookup", {"-1", "17", ""}},
  };
  for (const auto& [option, values] : table) {
    for (const char* value : values) {
      const std::string message = refusal({option, value});
      EXPECT_EQ(message.rfind(option, 0), 0u) << option << " " << value << ": " << message;
      EXPECT_NE(message.find(*value != '\0' ? value : "\"\""), std::string::npos) << message;
      EXPECT_NE(message.find("must be"), std::string::npos) << message;
      EXPECT_NE(message.find(';'), std::string::npos) << "no way out: " << message;
    }
  }
}

TEST(Arguments, AcceptsTheEndsOfEveryRange) {
  SamplingArguments a(0);
  ASSERT_EQ(refusal({"--temperature",
                     "0",
                     "--top-k",
                     "1",
                     "--top-p",
                     "1",
                     "--min-p",
                     "0",
                     "--typical-p",
                     "1",
                     "--repetition-penalty",
                     "0.5",
                     "--presence-penalty",
                     "-100",
                     "--frequency-penalty",
                     "100",
                     "--seed",
                     "18446744073709551615",
                     "--threads",
                     "256",
                     "--max-tokens",
                     "0",
                     "--stop",
                     "[a,b]",
                     "--stop",
                     "b c",
                     "--kv-type",
                     "q8_0"},
                    &a),
            "");
  EXPECT_EQ(a.options.top_k, 1);
  EXPECT_EQ(a.seed, 18446744073709551615u);
  EXPECT_EQ(a.options.presence_penalty, -100.0f);
  EXPECT_EQ(a.stops, (std::vector<std::string>{"[a,b]", "b c"}));
}

TEST(Arguments, LastOfSeveralCounts) {
  SamplingArguments a(0);
  ASSERT_EQ(refusal({"--temperature", "0.5", "--temperature", "0.25"}, &a), "");
  EXPECT_EQ(a.options.temperature, 0.25f);
}

TEST(Arguments, OptionsReachTheLibrary) {
  SamplingArguments a(7);
  a.seed = 9;
  a.stops = {"one", ""};
  std::vector<rustml_text> stops;
  const rustml_generation_options options = generation_options(a, stops);
  EXPECT_EQ(options.max_tokens, 7u);
  EXPECT_EQ(options.seed, 9u);
  EXPECT_EQ(options.n_stop_strings, 2u);
  EXPECT_EQ(std::string(options.stop_strings[0].ptr, options.stop_strings[0].len), "one");
  EXPECT_EQ(deadline_after(a.timeout_seconds), 0u);
  a.timeout_seconds = 1e9;
  EXPECT_GT(deadline_after(a.timeout_seconds), rustml_now_ns());
}

}  // namespace
}  // namespace rustml::cli
