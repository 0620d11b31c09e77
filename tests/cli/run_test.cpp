// The program as a user runs it, on the golden models: what comes out where, and with which exit code.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "../real_files.h"
#include "program.h"

namespace rustml::cli_test {
namespace {

using Words = std::vector<std::string>;

const std::string kModel = golden("base_q8_0.gguf");
const std::string kSlow = golden("slow_q4_0.gguf");  // context 8192: long enough to be stopped

base::Json reference(const std::string& name) { return base::parse_json(read_file(golden(name)), name); }

std::string joined(const std::vector<base::Json>& ids) {
  std::string text;
  for (const base::Json& id : ids) text += std::to_string(id.integer) + " ";
  return text;
}

void expect_error(const Outcome& outcome, int code, const Words& fragments) {
  EXPECT_EQ(outcome.exit_code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "") << "stdout carries the answer and nothing else";
  EXPECT_EQ(outcome.err.rfind("rustml-infer: error: ", 0), 0u) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << "one line: " << outcome.err;
  for (const std::string& fragment : fragments)
    EXPECT_NE(outcome.err.find(fragment), std::string::npos) << fragment << " in: " << outcome.err;
}

TEST(Run, GreedyTokensAreTheReferenceOnes) {
  const base::Json expected = reference("base_f32.json");
  const base::Json& prompt = expected.find("prompts")->items.at(1);
  const Outcome outcome = infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", joined(prompt.find("ids")->items), "--max-tokens", "16",
                                 "--ignore-eos", "--kv-type", "f32", "--json", "--quiet", "--log", "error"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  std::vector<int64_t> ids, wanted;
  for (const base::Json& event : events(outcome.out)) {
    if (event.find("type")->string != "token") continue;
    ids.push_back(event.find("id")->integer);
    EXPECT_LE(event.find("logprob")->number, 0.0);
  }
  for (const base::Json& id : prompt.find("greedy")->items) wanted.push_back(id.integer);
  EXPECT_EQ(ids, wanted);
}

TEST(Run, StdoutIsTheAnswerAndStderrTheStatistics) {
  const Words words = {"--gguf",       kModel,   "--prompt", "The capital",   "--max-tokens", "12",
                       "--ignore-eos", "--seed", "3",        "--temperature", "0.7"};
  const Outcome plain = infer(words);
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  Words with_json = words;
  with_json.insert(with_json.end(), {"--json", "--logprobs", "4"});
  const Outcome json = infer(with_json);
  ASSERT_EQ(json.exit_code, 0) << json.err;
  std::string text;
  const std::vector<base::Json> lines = events(json.out);
  ASSERT_EQ(lines.size(), 14u);
  EXPECT_EQ(lines.front().find("type")->string, "load");
  EXPECT_EQ(lines.back().find("type")->string, "done");
  EXPECT_EQ(lines.back().find("finish_reason")->string, "length");
  EXPECT_EQ(lines.back().find("usage")->find("generated_tokens")->integer, 12);
  for (const base::Json& line : lines) {
    if (line.find("type")->string == "load") continue;
    text += line.find("text")->string;
    if (line.find("type")->string == "token") {
      EXPECT_EQ(line.find("top")->items.size(), 4u);
    }
  }
  EXPECT_EQ(plain.out, text);
  for (const char* row : {"load ", "prompt ", "generation ", "first token ", "peak memory ", "tok/s"}) {
    EXPECT_NE(plain.err.find(row), std::string::npos) << row << " in: " << plain.err;
  }
}

TEST(Run, SameSeedSameAnswer) {
  const auto answer = [](const char* seed) {
    return infer({"run", "--gguf", kModel, "--prompt", "a", "--max-tokens", "24", "--ignore-eos", "--temperature", "1.5", "--seed", seed,
                  "--quiet"})
        .out;
  };
  EXPECT_EQ(answer("1"), answer("1"));
  EXPECT_NE(answer("1"), answer("2"));
}

TEST(Run, PromptLookupChangesNoToken) {
  Words words = {"--gguf", kModel,          "--prompt", "one two one two one two one two", "--max-tokens", "150", "--ignore-eos", "--seed",
                 "3",      "--temperature", "0.05"};
  const Outcome off = infer(words);
  words.insert(words.end(), {"--prompt-lookup", "6"});
  const Outcome on = infer(words);
  EXPECT_EQ(on.exit_code, 0) << on.err;
  EXPECT_EQ(on.out, off.out);
  EXPECT_NE(on.err.find(" guessed tokens accepted"), std::string::npos) << on.err;
  EXPECT_EQ(off.err.find(" guessed tokens accepted"), std::string::npos) << off.err;
  words.insert(words.end(), {"--json", "--quiet"});
  const base::Json done = events(infer(words).out).back();
  EXPECT_GT(done.find("usage")->find("drafted_tokens")->integer, 0);
}

TEST(Run, PromptFromStandardInputAndStopString) {
  Words words = {"--gguf", kModel, "--prompt", "Once upon", "--max-tokens", "20", "--ignore-eos", "--quiet"};
  const Outcome whole = infer(words);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  words[3] = "-";
  EXPECT_EQ(infer(words, {.text = "Once upon"}).out, whole.out);
  // A piece of the answer that is ASCII, so that it is text on both sides.
  size_t at = 4;
  while (at + 2 < whole.out.size() &&
         !(isalnum(static_cast<unsigned char>(whole.out[at])) && isalnum(static_cast<unsigned char>(whole.out[at + 1]))))
    ++at;
  ASSERT_LT(at + 2, whole.out.size()) << "no two letters in: " << whole.out;
  const std::string stop = whole.out.substr(at, 2);
  words[3] = "Once upon";
  words.insert(words.end(), {"--stop", stop});
  const Outcome stopped = infer(words);
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(stopped.out, whole.out.substr(0, whole.out.find(stop)));
}

TEST(Run, LogFilterGoesToStderr) {
  const Words words = {"--gguf", kModel, "--prompt", "a", "--max-tokens", "1", "--quiet"};
  EXPECT_EQ(infer(words).err, "");
  Words with_log = words;
  with_log.insert(with_log.end(), {"--log", "info"});
  const Outcome by_option = infer(with_log);
  EXPECT_NE(by_option.err.find("Config: arch=llama"), std::string::npos) << by_option.err;
  EXPECT_EQ(by_option.out, infer(words).out);
  EXPECT_NE(infer(words, {.environment = {"RUST_LOG=rustml=info"}}).err.find("Config: arch=llama"), std::string::npos);
  const Outcome foreign = infer(words, {.environment = {"RUST_LOG==,=nonsense=="}});
  EXPECT_EQ(foreign.exit_code, 0) << foreign.err;
  Words bad = words;
  bad.insert(bad.end(), {"--log", "rustml=loud"});
  expect_error(infer(bad), 2, {"--log", "loud"});
}

TEST(Run, UsageErrors) {
  const auto with = [](Words more) {
    Words words = {"--gguf", kModel, "--prompt", "a"};
    words.insert(words.end(), more.begin(), more.end());
    return infer(words);
  };
  expect_error(with({"--top-k", "0"}), 2, {"--top-k 0", "1 to", "leave --top-k out"});
  expect_error(with({"--temperature", "-1"}), 2, {"--temperature -1: must be 0 or more; 0 is greedy"});
  expect_error(with({"--top-p", "1.5"}), 2, {"--top-p 1.5", "at most 1", "1 turns it off"});
  expect_error(with({"--nonsense"}), 2, {"--nonsense", "--help"});
  expect_error(with({"--max-tokens"}), 2, {"--max-tokens"});
  expect_error(with({"chat"}), 2, {"chat"});
  expect_error(with({"--prompt-ids", "1"}), 2, {"--prompt and --prompt-ids"});
  expect_error(with({"--logprobs", "3"}), 2, {"--logprobs", "--json"});
  expect_error(with({"--stop", ""}), 2, {"stop"});
  expect_error(with({"--simd-target", "mmx"}), 2, {"--simd-target is \"mmx\"; it must be one that this processor can use: "});
  expect_error(infer({"--gguf", kModel}), 2, {"--prompt", "missing"});
  expect_error(infer({"--prompt", "a"}), 2, {"--gguf", "missing"});
  expect_error(infer({"--gguf", kModel, "--prompt", "a\xFF"}), 2, {"UTF-8"});
  expect_error(infer({"--gguf", kModel, "--prompt-ids", "1 99999999"}), 2, {"99999999"});
  expect_error(infer({"--gguf", kModel, "--prompt-ids", "1 -2"}), 2, {"--prompt-ids -2"});
}

TEST(Run, FileErrors) {
  const auto open = [](const std::string& path) { return infer({"--gguf", path, "--prompt", "a"}); };
  expect_error(open("/no/such/model.gguf"), 3, {"/no/such/model.gguf", "does not exist"});
  const TemporaryFile text("notes.gguf", "This is a text file, which somebody took for a model. It goes on for a while.\n");
  expect_error(open(text.folder()), 3, {text.folder(), "config.json"});
  expect_error(open(text.path()), 4, {"notes.gguf"});
  const std::string model = read_file(golden("base_f16.gguf"));
  const TemporaryFile cut("cut.gguf", std::string_view(model).substr(0, model.size() / 2));
  expect_error(open(cut.path()), 4, {"cut.gguf"});
  const TemporaryFile empty("empty.gguf", "");
  expect_error(open(empty.path()), 4, {"empty.gguf"});

  std::string other_type = model;  // tensor record: name, dimension count, dimensions, type
  const std::string name = "blk.0.attn_q.weight";
  const size_t record = other_type.find(name) + name.size();
  ASSERT_LT(record, other_type.size());
  other_type[record + 4 + 2 * 8] = 34;  // TQ1_0
  const TemporaryFile unsupported("tq.gguf", other_type);
  expect_error(open(unsupported.path()), 4, {"TQ1_0"});

  std::string other_architecture = model;
  const std::string key = "general.architecture";
  other_architecture.replace(other_architecture.find(key) + key.size() + 4 + 8, 5, "mamba");
  const TemporaryFile mamba("mamba.gguf", other_architecture);
  expect_error(open(mamba.path()), 4, {"mamba"});

  if (geteuid() != 0) {
    std::filesystem::permissions(text.path(), std::filesystem::perms::none);
    expect_error(open(text.path()), 1, {"notes.gguf"});
  }
}

TEST(Run, PromptLongerThanTheContext) {
  expect_error(infer({"--gguf", kModel, "--prompt-ids", "1 2 3 4 5 6 7 8 9 10", "--context", "8"}), 1,
               {"--context is 8; it must be at least the prompt's 10 tokens"});
}

TEST(Run, ErrorsAreEventsUnderJson) {
  const Outcome outcome = infer({"--gguf", "/no/such.gguf", "--prompt", "a", "--json"});
  EXPECT_EQ(outcome.exit_code, 3);
  const std::vector<base::Json> lines = events(outcome.out);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("status")->string, "NOT_FOUND");
  EXPECT_NE(outcome.err.find("/no/such.gguf"), std::string::npos);
}

const Words kEndless = {"--gguf", kSlow, "--prompt", "a", "--max-tokens", "0", "--ignore-eos", "--context", "8192"};

TEST(Run, CtrlCStopsTheAnswer) {
  bool sent = false;
  const Outcome outcome = infer(kEndless, {.on_output = [&](const std::string&, int pid) {
                                  if (!sent) kill(pid, SIGINT);
                                  sent = true;
                                  return false;
                                }});
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_GT(outcome.out.size(), 0u);
  EXPECT_NE(outcome.err.find("ended by cancelled"), std::string::npos) << "statistics still come: " << outcome.err;
}

TEST(Run, SecondCtrlCEndsTheProgram) {
  const Outcome outcome = infer(kEndless, {.on_output = [&](const std::string&, int pid) {
                                  kill(pid, SIGINT);
                                  return false;
                                }});
  // The last one may meet a program whose handler has gone already.
  EXPECT_TRUE(outcome.exit_code == 130 || outcome.signal == SIGINT) << outcome.exit_code << outcome.err;
}

TEST(Run, TimeoutEndsWithItsOwnCode) {
  Words words = kEndless;
  words.insert(words.end(), {"--timeout", "0.5", "--json"});
  const Outcome outcome = infer(words);
  EXPECT_EQ(outcome.exit_code, 124) << outcome.err;
  const std::vector<base::Json> lines = events(outcome.out);
  ASSERT_FALSE(lines.empty());
  if (lines.back().find("type")->string == "done") {
    EXPECT_EQ(lines.back().find("finish_reason")->string, "deadline");
  } else {  // a machine too busy to load, or to start, in time
    EXPECT_EQ(lines.back().find("status")->string, "DEADLINE_EXCEEDED");
  }
  Words at_once = kEndless;
  at_once.insert(at_once.end(), {"--timeout", "0.000001"});
  expect_error(infer(at_once), 124, {"--timeout passed"});
}

TEST(Run, AClosedPipeEndsItQuietly) {
  const Outcome outcome = infer(kEndless, {.on_output = [](const std::string&, int) { return true; }});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
}

TEST(Run, AFullDiskIsAnError) {
  const Outcome outcome = infer({"--gguf", kModel, "--prompt", "a", "--ignore-eos"}, {.stdout_file = "/dev/full"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("standard output"), std::string::npos) << outcome.err;
}

TEST(Run, HelpNamesCommandsOptionsAndExitCodes) {
  const Outcome help = infer({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* part : {"--gguf", "--prompt-ids", "--temperature", "--kv-type", "chat | info | tokenize | bench", "124 timeout"}) {
    EXPECT_NE(help.out.find(part), std::string::npos) << part;
  }
  for (const char* command : {"run", "chat", "info", "tokenize", "bench"}) {
    EXPECT_NE(infer({command, "--help"}).out.find("--gguf"), std::string::npos) << command;
  }
  EXPECT_EQ(infer({"--version"}).out.rfind("rustml-infer 1.", 0), 0u);
}

TEST(Run, SmolLM2KnowsTheCapitalOfFrance) {
  SMOLLM2_OR_SKIP(model);
  const Outcome outcome = infer({"--gguf", model, "--prompt", "The capital of France is", "--max-tokens", "8", "--temperature", "0"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind(" Paris.", 0), 0u) << outcome.out;
  const Outcome chat = infer({"--gguf", model, "--chat", "--system", "Answer with one word.", "--prompt", "What is the capital of France?",
                              "--max-tokens", "24", "--quiet"});
  EXPECT_EQ(chat.exit_code, 0) << chat.err;
  EXPECT_NE(chat.out.find("Paris"), std::string::npos) << chat.out;
  EXPECT_EQ(chat.out.find("<|im"), std::string::npos) << "special tokens stay out of the answer: " << chat.out;
}

}  // namespace
}  // namespace rustml::cli_test
