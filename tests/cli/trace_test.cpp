// The file of --trace as a viewer reads it.
#include "cli/trace.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>

#include "cli/client.h"
#include "program.h"

namespace rustml::cli_test {
namespace {

struct Span {
  std::string name;
  int64_t begin, end;  // ns
  int64_t tid, bytes, flops;
};

// Microseconds with three decimals, as text: doubles do not hold those of a machine that has been up for some months.
int64_t nanoseconds(const std::string& text, const std::string& key, size_t from) {
  const size_t at = text.find("\"" + key + "\":", from) + key.size() + 3, dot = text.find('.', at);
  return std::stoll(text.substr(at, dot - at) + text.substr(dot + 1, 3));
}

std::vector<Span> read_trace(const std::string& path) {
  const std::string text = read_file(path);
  const base::Json file = base::parse_json(text, "trace");
  size_t at = 0;  // of an event in the text
  std::vector<Span> spans;
  for (const base::Json& e : file.find("traceEvents")->items) {
    EXPECT_EQ(e.find("ph")->string, "X");
    at = text.find("{\"name\":", at + 1);
    const int64_t begin = nanoseconds(text, "ts", at);
    EXPECT_NEAR(static_cast<double>(begin), 1e3 * e.find("ts")->number, 1e-15 * static_cast<double>(begin) + 1);
    spans.push_back({e.find("name")->string, begin, begin + nanoseconds(text, "dur", at), e.find("tid")->integer,
                     e.find("args")->find("bytes")->integer, e.find("args")->find("flops")->integer});
  }
  return spans;
}

// Sum of the durations of the spans with this name.
int64_t total(const std::vector<Span>& spans, const std::string& name) {
  int64_t sum = 0;
  for (const Span& s : spans)
    if (s.name == name) sum += s.end - s.begin;
  return sum;
}

TEST(Trace, AFileThatCannotBeWrittenIsAnError) {
  const TemporaryFile file("trace.json", "");
  const auto run = [](const std::string& trace) {
    return infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", "5 6 7", "--max-tokens", "4", "--ignore-eos", "--trace", trace});
  };
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{2000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Outcome limited = run(file.path());
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(limited.signal, 0);
  EXPECT_EQ(limited.exit_code, 1) << limited.err;
  EXPECT_NE(limited.err.find("could not be written: File too large"), std::string::npos) << limited.err;
  EXPECT_EQ(run(file.folder()).exit_code, 2);
  EXPECT_EQ(run(file.folder() + "/no/such").exit_code, 3);
}

TEST(Trace, SpansNestAndAddUp) {
  const TemporaryFile file("trace.json", "");
  const Outcome outcome = infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", "5 6 7", "--max-tokens", "4", "--ignore-eos", "--trace",
                                 file.path(), "--log", "error", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "") << "spans go to the file alone";
  const std::vector<Span> spans = read_trace(file.path());
  std::map<std::string, int> count;
  for (const Span& s : spans) ++count[s.name];
  // One prefill and three passes of one token, two layers each.
  const std::map<std::string, int> expected = {
      {"model::forward", 4},   {"Embedding", 4}, {"Layers", 4}, {"Norm", 4},        {"Projection", 4}, {"transformer[0]", 4},
      {"transformer[1]", 4},   {"attn", 8},      {"ffn", 8},    {"QKV", 8},         {"out", 8},        {"QKnorm+RoPE+store", 8},
      {"QK^T+softmax+A*V", 8}, {"QKV_proj", 8},  {"O_proj", 8}, {"GateUp_proj", 8}, {"Down_proj", 8},  {"LM_head", 4}};
  EXPECT_EQ(count, expected);

  std::vector<Span> open;
  for (const Span& s : spans) {
    EXPECT_EQ(s.tid, spans[0].tid) << "one session is used by one thread";
    while (!open.empty() && open.back().end <= s.begin) open.pop_back();
    if (open.empty()) {
      EXPECT_EQ(s.name, "model::forward");
    } else {
      EXPECT_LE(s.end, open.back().end) << s.name << " sticks out of " << open.back().name;
    }
    open.push_back(s);
  }
  const int64_t whole = total(spans, "model::forward");
  const int64_t stages = total(spans, "Embedding") + total(spans, "Layers") + total(spans, "Norm") + total(spans, "Projection");
  EXPECT_GT(stages, 0);
  EXPECT_LE(stages, whole);
  EXPECT_LE(total(spans, "attn") + total(spans, "ffn"), total(spans, "Layers"));

  // base: 96 wide, 6 heads of 32 and 2 for keys and values, feed-forward 64, 331 tokens; 16 rows a panel, 4 bytes a value.
  // Behind its keys and values the second layer, the last, works on the last of a prompt's three tokens.
  int64_t tokens = 0, passes = 0, layer = -1;
  for (const Span& s : spans) {
    if (s.name == "model::forward") tokens = passes++ == 0 ? 3 : 1, layer = -1;
    if (s.name.starts_with("transformer[")) ++layer;
    const int64_t rows = layer == 1 ? 1 : tokens;
    const std::pair<int64_t, int64_t> work(s.flops, s.bytes);
    if (s.name == "QKV_proj") {
      EXPECT_EQ(work, std::pair(2 * tokens * 96 * 320, int64_t{96 * 320 * 4}));
    } else if (s.name == "Down_proj") {
      EXPECT_EQ(work, std::pair(2 * rows * 96 * 64, int64_t{96 * 64 * 4}));
    } else if (s.name == "LM_head") {
      EXPECT_EQ(work, std::pair(int64_t{2 * 96 * 331}, int64_t{96 * 336 * 4}));
    } else if (s.name == "QK^T+softmax+A*V" && passes == 1) {  // 1, 2 and 3 positions are seen; the cache holds halves
      EXPECT_EQ(work, std::pair(int64_t{4 * 6 * 32 * (layer == 0 ? 1 + 2 + 3 : 3)}, int64_t{3 * 2 * 2 * 32 * 2}));
    }
  }
}

TEST(Trace, LogLinesStayReadableWithoutIt) {
  const Outcome outcome = infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", "5", "--max-tokens", "1", "--log", "trace", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("[TRACE] matmul QKV_proj [1,96]x[96,320] "), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("traceEvents"), std::string::npos);
  EXPECT_EQ(outcome.err.find("\"ph\""), std::string::npos) << outcome.err;
}

TEST(Trace, IsAWholeFileWhateverEndsTheProgram) {
  const TemporaryFile file("trace.json", "");
  EXPECT_EQ(infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", "99999", "--trace", file.path()}).exit_code, 2);
  EXPECT_TRUE(read_trace(file.path()).empty());
  const Outcome unwritable = infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", "5", "--trace", "/no/such/folder/trace.json"});
  EXPECT_EQ(unwritable.exit_code, 3);
  EXPECT_NE(unwritable.err.find("--trace /no/such/folder/trace.json"), std::string::npos) << unwritable.err;
  const Outcome full = infer({"--gguf", golden("base_f32.gguf"), "--prompt-ids", "5", "--max-tokens", "1", "--trace", "/dev/full"});
  EXPECT_EQ(full.exit_code, 1) << full.err;
}

}  // namespace
}  // namespace rustml::cli_test
