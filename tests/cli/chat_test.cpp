// chat with standard input that is no terminal, where every line is a turn, and on a terminal.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "../real_files.h"
#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Chat, EveryLineIsATurnAndThePrefixIsReused) {
  const Outcome outcome = infer({"chat", "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "4", "--ignore-eos", "--json", "--quiet"},
                                {.text = "hello\n\nagain\n"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<base::Json> done;
  for (const base::Json& event : events(outcome.out)) {
    if (event.find("type")->string == "done") done.push_back(event);
  }
  ASSERT_EQ(done.size(), 2u) << "an empty line is no turn";
  EXPECT_EQ(done[0].find("usage")->find("prompt_tokens_reused")->integer, 0);
  EXPECT_GT(done[1].find("usage")->find("prompt_tokens_reused")->integer, 0);
  EXPECT_GT(done[1].find("usage")->find("prompt_tokens")->integer, done[0].find("usage")->find("prompt_tokens")->integer);
}

// The number in "prompt       N tokens"; -1: there is none.
int prompt_tokens(const std::string& text) {
  const size_t at = text.find("prompt  ");
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + 7);
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\r'; });
  return text;
}

TEST(Chat, StatisticsComeWhenAskedFor) {
  const std::vector<std::string> arguments = {"chat",  "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "2", "--ignore-eos",
                                              "--log", "error"};
  EXPECT_EQ(infer(arguments, {.text = "hello\n"}).err, "");
  std::vector<std::string> with_stats = arguments;
  with_stats.emplace_back("--stats");
  EXPECT_GT(prompt_tokens(infer(with_stats, {.text = "hello\n"}).err), 0);
}

TEST(Chat, CommandsOnATerminalNeverReachTheModel) {
  const std::vector<std::string> arguments = {"chat", "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "2", "--ignore-eos", "--stats"};
  Terminal terminal(arguments, 80);
  EXPECT_NE(terminal.wait_for_prompt().find("/help"), std::string::npos);
  EXPECT_EQ(terminal.ask("/foo"), "unknown command /foo; /help lists them\n");
  EXPECT_EQ(terminal.ask("/etc/passwd"), "unknown command /etc/passwd; /help lists them\n");
  EXPECT_EQ(terminal.ask("/reset now"), "/reset: nothing may follow a command; // sends a line that begins with a slash\n");
  const std::string help = terminal.ask("/help");
  for (const char* command : {"/help ", "/undo ", "/reset ", "/exit ", "//TEXT "}) EXPECT_NE(help.find(command), std::string::npos) << help;
  EXPECT_EQ(terminal.ask(""), "");
  // A prompt has as many tokens as if nothing had been said before, and as the same line from a pipe.
  const int first = prompt_tokens(terminal.ask("//hello"));
  EXPECT_GT(first, 0);
  EXPECT_EQ(prompt_tokens(infer(arguments, {.text = "/hello\n"}).err), first);
  EXPECT_GT(prompt_tokens(terminal.ask("//hello")), first);
  EXPECT_EQ(terminal.ask("/reset"), "");
  EXPECT_EQ(prompt_tokens(terminal.ask("//hello")), first);
  EXPECT_EQ(terminal.end(), 0);
}

TEST(Chat, UndoTakesBackTheLastTurn) {
  Terminal terminal({"chat", "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "8", "--ignore-eos", "--stats", "--seed", "1"}, 80);
  terminal.wait_for_prompt();
  EXPECT_EQ(terminal.ask("/undo"), "there is no turn to take back\n");
  const int first = prompt_tokens(terminal.ask("hello"));
  const int second = prompt_tokens(terminal.ask("and again"));
  EXPECT_GT(second, first);
  EXPECT_EQ(terminal.ask("/undo"), "took back: and again\n");
  EXPECT_EQ(prompt_tokens(terminal.ask("and again")), second);
  // Several lines at once, as from a clipboard, are as many turns.
  std::string shown = terminal.ask("one\ntwo\n/undo");
  while (shown.find("took back: ") == shown.npos) shown += terminal.wait_for_prompt();
  EXPECT_NE(shown.find("took back: two\n"), shown.npos) << shown;
  EXPECT_EQ(terminal.ask("/undo"), "took back: one\n");
  EXPECT_EQ(terminal.ask("/undo"), "took back: and again\n");
  EXPECT_EQ(terminal.ask("/undo"), "took back: hello\n");
  EXPECT_EQ(prompt_tokens(terminal.ask("hello")), first);
  EXPECT_EQ(terminal.end(), 0);
}

TEST(Chat, AnAnswerThatWasStoppedIsKeptAsFarAsItCame) {
  Terminal terminal({"chat", "--gguf", golden("slow_q4_0.gguf"), "--max-tokens", "0", "--ignore-eos", "--stats"}, 80);
  terminal.wait_for_prompt();
  const std::string shown = terminal.ask_and_stop("hello");
  EXPECT_NE(shown.find("stopped by Ctrl-C; the turn is kept as far as it came, /undo takes it back"), std::string::npos) << shown;
  EXPECT_EQ(terminal.ask("/undo"), "took back: hello\n");
  EXPECT_EQ(terminal.end(), 0);

  Terminal late({"chat", "--gguf", golden("base_q8_0.gguf"), "--timeout", "0.000001"}, 80);
  late.wait_for_prompt();
  const std::string said = late.ask("hello");
  EXPECT_NE(said.find("; the message is forgotten"), std::string::npos) << said;
  EXPECT_EQ(late.ask("/undo"), "there is no turn to take back\n");
}

TEST(Chat, LongLinesWrapAtWordsOnATerminal) {
  const std::vector<std::string> arguments = {"chat",  "--gguf", golden("base_q8_0.gguf"), "--max-tokens", "200", "--ignore-eos",
                                              "--log", "error"};
  const Outcome piped = infer(arguments, {.text = "hello\n"});
  constexpr int kColumns = 30;
  Terminal terminal(arguments, kColumns);
  terminal.wait_for_prompt();
  const std::string shown = terminal.ask("hello");
  EXPECT_EQ(without_blanks(shown), without_blanks(piped.out));
  EXPECT_GT(std::count(shown.begin(), shown.end(), '\n'), std::count(piped.out.begin(), piped.out.end(), '\n')) << shown;
  for (size_t at = 0; at < shown.size();) {
    const size_t end = shown.find('\n', at);
    const std::string line = shown.substr(at, end - at);
    EXPECT_LT(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }), kColumns) << line;
    at = end + 1;
  }
  EXPECT_EQ(terminal.end(), 0);
}

TEST(Chat, AModelWithoutATemplateIsWarnedAboutOnce) {
  std::string model = read_file(golden("base_q8_0.gguf"));
  const std::string key = "tokenizer.chat_template";
  model.replace(model.find(key), key.size(), "tokenizer.another_entry");  // the same length
  const TemporaryFile file("plain.gguf", model);
  const Outcome outcome =
      infer({"chat", "--gguf", file.path(), "--max-tokens", "2", "--ignore-eos", "--quiet", "--log", "error"}, {.text = "a\nb\n"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find("no chat template"), std::string::npos) << outcome.err;
}

TEST(Chat, CtrlCEndsItWithoutATerminal) {
  bool sent = false;
  const Outcome outcome = infer({"chat", "--gguf", golden("slow_q4_0.gguf"), "--max-tokens", "0", "--ignore-eos", "--quiet"},
                                {.text = "a\nb\n", .on_output = [&](const std::string&, int pid) {
                                   if (!sent) kill(pid, SIGINT);
                                   sent = true;
                                   return false;
                                 }});
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
}

TEST(Chat, ContextTooSmallIsNamed) {
  const Outcome outcome =
      infer({"chat", "--gguf", golden("base_q8_0.gguf"), "--context", "8", "--quiet"}, {.text = "a long line of many words\n"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("8"), std::string::npos) << outcome.err;
  Terminal terminal({"chat", "--gguf", golden("base_q8_0.gguf"), "--context", "8"}, 80);
  terminal.wait_for_prompt();
  const std::string shown = terminal.ask("a long line of many words");
  EXPECT_NE(shown.find("error: --context is 8"), std::string::npos) << shown;
  EXPECT_EQ(terminal.end(), 0) << "the conversation goes on after an error";
}

// The whole conversation written out by hand in ChatML, as SmolLM2's template has it, gives the same second answer.
TEST(Chat, SmolLM2SeesTheWholeConversation) {
  SMOLLM2_OR_SKIP(model);
  const Outcome chat =
      infer({"chat", "--gguf", model, "--max-tokens", "16", "--quiet"}, {.text = "My name is Robert.\nWhat is my name?\n"});
  ASSERT_EQ(chat.exit_code, 0) << chat.err;
  const size_t end = chat.out.find('\n');
  ASSERT_NE(end, std::string::npos);
  const std::string first = chat.out.substr(0, end);
  const std::string text =
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
      "<|im_start|>user\nMy name is Robert.<|im_end|>\n<|im_start|>assistant\n" +
      first + "<|im_end|>\n<|im_start|>user\nWhat is my name?<|im_end|>\n<|im_start|>assistant\n";
  const Outcome run = infer({"--gguf", model, "--prompt", "-", "--parse-special", "--max-tokens", "16", "--quiet"}, {.text = text});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(chat.out.substr(end + 1), run.out + "\n");
}

}  // namespace
}  // namespace rustml::cli_test
