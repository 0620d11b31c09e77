// The real Gemma 3 270M (Q4_K_M) against float64 math on its dequantized weights (gemma3_270m.py), below and past its window of 512. The
// library rounds activations to 8 bits; how far that alone takes a right engine is in the references, and the bounds come from it.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../real_files.h"
#include "compare.h"
#include "reference.h"

extern char** environ;

namespace golden {
namespace {

constexpr const char* kSaveTo = "RUSTML_TEST_SAVE_TO";  // set: this process writes the snapshot and ends
constexpr size_t kBefore = 8;                           // tokens of the answer before the snapshot

#ifdef RUSTML_SANITIZED
#define MODEL_OR_SKIP(path)                                                                                           \
  GTEST_SKIP() << "minutes long with sanitizers; the tiny models take the same paths, and the release build runs it"; \
  const std::string path
#else
#define MODEL_OR_SKIP(path) GEMMA3_270M_OR_SKIP(path)
#endif

const Reference& reference() {
  static const Reference r = load("gemma3_270m");
  return r;
}

const Prompt& long_prompt() {
  return *std::find_if(reference().prompts.begin(), reference().prompts.end(), [](const Prompt& p) { return p.kind == "long"; });
}

struct Answer {
  std::vector<float> logits;  // after the prompt
  std::vector<int32_t> tokens;
};

Answer answer(const Model& model, const Prompt& p, const SessionSetup& setup = {}) {
  Session session(model, setup);
  session.eval(p.ids);
  Answer a{session.logits(), {}};
  session.greedy(p.ids, p.greedy.size(), 0, a.tokens);
  return a;
}

TEST(Gemma3Real, EncodesAndAnswersAsFloatMath) {
  MODEL_OR_SKIP(path);
  const Model model(path);
  size_t equal = 0;
  for (const Prompt& p : reference().prompts) {
    SCOPED_TRACE(p.name);
    if (p.kind != "long") {
      EXPECT_EQ(model.encode(p.text, RUSTML_ENCODE_ADD_SPECIAL | (p.kind == "chat" ? RUSTML_ENCODE_PARSE_SPECIAL : 0)), p.ids);
    }
    const Answer ours = answer(model, p);
    ASSERT_EQ(ours.tokens.size(), p.greedy.size());
    const double gap = parting_gap(p, ours.tokens);
    EXPECT_LT(gap, reference().near_tie);
    equal += gap == 0;
    if (gap > 0) std::printf("%s: parts over a gap of %.3f\n", p.name.c_str(), gap);
  }
  std::printf("gemma3_270m: of %zu answers of 32 tokens %zu equal float64's, the others but for near ties\n", reference().prompts.size(),
              equal);
  EXPECT_GE(equal, reference().prompts.size() / 2);
}

TEST(Gemma3Real, DivergesNoMoreThanRoundingActivations) {
  MODEL_OR_SKIP(path);
  const Model model(path);
  ASSERT_EQ(reference().passages.size(), 2u);
  for (const Passage& p : reference().passages) {
    SCOPED_TRACE(p.name);
    ASSERT_GE(p.best.size(), 64u);
    Session session(model);
    session.eval(p.ids.data(), p.first + 1);
    double sum = 0, worst = 0;
    for (size_t i = 0; i < p.best.size(); ++i) {
      if (i > 0) session.eval(&p.ids[p.first + i], 1);
      const double kl = divergence_of_best(p.best[i], log_softmax(session.logits()));
      sum += kl;
      worst = std::max(worst, kl);
    }
    const double mean = sum / static_cast<double>(p.best.size());
    std::printf("gemma3_270m %s: KL to float64 over %zu positions %.5f nats in the mean, %.5f at most\n", p.name.c_str(), p.best.size(),
                mean, worst);
    EXPECT_LE(mean, p.kl_bound_mean);
    EXPECT_LE(worst, p.kl_bound_one);
  }
}

TEST(Gemma3Real, PastTheWindowThreadsAndChunksChangeNoBit) {
  MODEL_OR_SKIP(path);
  const Prompt& p = long_prompt();
  ASSERT_EQ(p.ids.size(), 1300u);
  const Answer two = answer(Model(path), p);
  golden::Setup one_thread;
  one_thread.n_threads = 1;
  SessionSetup chunks;
  chunks.prefill_chunk = 97;  // no chunk ends where a window or a block of the cache does
  const Answer one = answer(Model(path, one_thread), p, chunks);
  EXPECT_TRUE(same_bits(one.logits, two.logits));
  EXPECT_EQ(one.tokens, two.tokens);
}

void save(const Model& model, const std::string& to) {
  Session session(model);
  std::vector<int32_t> tokens;
  session.greedy(long_prompt().ids, kBefore, 0, tokens);
  ASSERT_EQ(tokens.size(), kBefore);
  const std::vector<uint8_t> bytes = session.snapshot();
  std::ofstream(to, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// This test again, as a process of its own that saves to `to`. Its exit status.
int save_in_another_process(const std::string& to) {
  setenv(kSaveTo, to.c_str(), 1);
  std::string program = std::filesystem::read_symlink("/proc/self/exe"), filter = "--gtest_filter=Gemma3Real.ResumesInAnotherProcess";
  std::string output = "--gtest_output=";  // not over this process's results
  char* arguments[] = {program.data(), filter.data(), output.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  unsetenv(kSaveTo);
  int status = -1;
  return failed != 0 || waitpid(child, &status, 0) != child ? -1 : status;
}

TEST(Gemma3Real, ResumesInAnotherProcess) {
  MODEL_OR_SKIP(path);
  if (const char* to = std::getenv(kSaveTo)) return save(Model(path), to);
  const Prompt& p = long_prompt();
  const std::string snapshot = std::filesystem::temp_directory_path() / ("rustml_gemma3_" + std::to_string(getpid()));
  ASSERT_EQ(save_in_another_process(snapshot), 0);
  std::ifstream in(snapshot, std::ios::binary);
  const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(snapshot);

  const Model model(path);
  const Answer never_stopped = answer(model, p);
  Session session(model);
  session.restore(bytes);
  ASSERT_EQ(session.info().position, p.ids.size() + kBefore);
  std::vector<int32_t> tokens(never_stopped.tokens.begin(), never_stopped.tokens.begin() + kBefore);
  std::vector<int32_t> prompt = p.ids;
  prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  session.greedy(prompt, p.greedy.size() - kBefore, 0, tokens);
  EXPECT_EQ(tokens, never_stopped.tokens);
}

}  // namespace
}  // namespace golden
