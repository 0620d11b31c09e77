// --prompts-file: every line has its answer, in order, and it is what --prompt alone gives.
#include "cli/prompts_file.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "program.h"

namespace rustml::cli_test {
namespace {

using Words = std::vector<std::string>;
const std::string kLinesModel = golden("base_q8_0.gguf");

TEST(PromptsFile, LinesEndAnyWay) {
  const TemporaryFile file("prompts.txt", "one\r\n\n two \nlast");
  EXPECT_EQ(cli::read_prompts(file.path()), (Words{"one", "", " two ", "last"}));
  const TemporaryFile ended("prompts.txt", "one\n"), empty("prompts.txt", "");
  EXPECT_EQ(cli::read_prompts(ended.path()), Words{"one"});
  EXPECT_EQ(cli::read_prompts(empty.path()), Words{});
  EXPECT_THROW(cli::read_prompts("/no/such/file"), cli::Failure);
  EXPECT_THROW(cli::read_prompts(file.folder()), cli::Failure);
}

TEST(PromptsFile, EachAnswerIsWhatItWouldBeAlone) {
  const Words prompts = {"Hello", "", "Once upon a time, a long prompt", "a", "The capital of France is", "b", "c"};
  std::string text;
  for (const std::string& prompt : prompts) text += prompt + "\n";
  const Words options = {"--gguf", kLinesModel, "--max-tokens", "9", "--ignore-eos", "--temperature", "0.8", "--seed", "5"};
  Words words = options;
  words.insert(words.end(), {"--prompts-file", "-"});
  const Outcome outcome = infer(words, {.text = text});
  EXPECT_EQ(outcome.exit_code, 2) << "of the first that failed: " << outcome.err;
  EXPECT_NE(outcome.err.find("6 of 7 prompts answered, 54 tokens"), std::string::npos) << outcome.err;
  const std::vector<base::Json> lines = events(outcome.out);
  ASSERT_EQ(lines.size(), prompts.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].find("index")->integer, static_cast<int64_t>(i));
    if (i == 1) {
      EXPECT_EQ(lines[i].find("finish_reason")->string, "error");
      EXPECT_NE(lines[i].find("error")->string.find("prompt is empty"), std::string::npos);
      continue;
    }
    Words alone = options;
    alone.insert(alone.end(), {"--prompt", prompts[i], "--quiet"});
    EXPECT_EQ(lines[i].find("text")->string, infer(alone).out);
    EXPECT_EQ(lines[i].find("generated_tokens")->integer, 9);
    EXPECT_EQ(lines[i].find("error")->kind, base::Json::Kind::null);
  }
}

TEST(PromptsFile, ChatAndNoLinesAtAll) {
  const TemporaryFile file("prompts.txt", "Hello\nWhy?\n"), empty("empty.txt", "");
  const Outcome chat = infer({"--gguf", kLinesModel, "--prompts-file", file.path(), "--chat", "--system", "Be brief.", "--max-tokens", "5",
                              "--ignore-eos", "--json", "--quiet"});
  EXPECT_EQ(chat.exit_code, 0) << chat.err;
  const std::vector<base::Json> lines = events(chat.out);
  ASSERT_EQ(lines.size(), 3u) << "load and two results";
  EXPECT_EQ(lines[2].find("text")->string, infer({"--gguf", kLinesModel, "--prompt", "Why?", "--chat", "--system", "Be brief.",
                                                  "--max-tokens", "5", "--ignore-eos", "--quiet"})
                                               .out);
  const Outcome none = infer({"--gguf", kLinesModel, "--prompts-file", empty.path(), "--quiet"});
  EXPECT_EQ(none.exit_code, 0) << none.err;
  EXPECT_EQ(none.out, "");
}

TEST(PromptsFile, CtrlCAndAClosedPipe) {
  std::string text = "first\n";
  for (int i = 0; i < 60; ++i) text += "and more\n";  // far more than the pipe holds
  const Words words = {"--gguf", golden("slow_q4_0.gguf"), "--prompts-file", "-", "--max-tokens", "150", "--ignore-eos", "--quiet"};
  bool sent = false;
  const Outcome stopped = infer(words, {.text = text, .on_output = [&](const std::string&, int pid) {
                                          if (!sent) kill(pid, SIGINT);
                                          sent = true;
                                          return false;
                                        }});
  EXPECT_EQ(stopped.exit_code, 130) << stopped.err;
  const std::vector<base::Json> lines = events(stopped.out);
  ASSERT_EQ(lines.size(), 61u) << "those that were stopped have their lines too";
  EXPECT_EQ(lines.back().find("finish_reason")->string, "cancelled");
  EXPECT_EQ(infer(words, {.text = text, .on_output = [](const std::string&, int) { return true; }}).exit_code, 0);
}

TEST(PromptsFile, UsageErrors) {
  const auto refused = [](const Words& more, int code, const std::string& fragment) {
    Words words = {"--gguf", kLinesModel, "--prompts-file"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = infer(words);
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(fragment), std::string::npos) << outcome.err;
  };
  refused({"/no/such/file"}, 3, "--prompts-file /no/such/file");
  refused({"x", "--prompt", "a"}, 2, "give one of them");
  refused({"x", "--beams", "2"}, 2, "--prompts-file: takes neither");
  const TemporaryFile bad("bad.txt", "fine\n\xFF\n");
  refused({bad.path()}, 2, "UTF-8");
}

}  // namespace
}  // namespace rustml::cli_test
