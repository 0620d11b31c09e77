// Every architecture, as a Hugging Face directory and as GGUF, against transformers: make_architectures.py wrote models and references.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <ostream>

#include "compare.h"
#include "engine.h"
#include "reference.h"

namespace golden {
namespace {

const char* const kNames[] = {"gpt2",       "gpt2_bare",   "gemma3",        "gemma3_linear", "gemma3_vision", "llama",
                              "llama_bias", "mistral",     "qwen2",         "qwen3",         "llama_yarn",    "qwen2_yarn",
                              "qwen3_yarn", "gemma3_yarn", "llama_dynamic", "llama_longrope"};
// Matrices that Q8_0 can hold (rows of whole blocks of 32), the tied or own head included, q, k and v one each: per layer four of
// attention and two (GPT-2) or three of the FFN. qwen3 is 36 wide with an FFN of 64, so that only its down projections count.
const std::map<std::string, uint32_t> kQuantizable = {{"gpt2", 2 * 6 + 1},    {"gemma3", 7 * 7 + 1}, {"llama", 2 * 7 + 1},
                                                      {"mistral", 2 * 7 + 1}, {"qwen2", 2 * 7 + 1},  {"qwen3", 2}};
// KL in nats between two engines that round alike. Sums in another order turn a few roundings: make_architectures.py's emulation in
// float32 differs from itself in float64 by up to 4e-5; five times that.
constexpr double kTurnedRoundingsBound = 2e-4;

struct Form {
  std::string model, kind;  // "directory" or "gguf"
};
std::ostream& operator<<(std::ostream& out, const Form& form) { return out << form.model << ' ' << form.kind; }

Reference reference(const std::string& model) { return load("architectures/" + model); }
std::string gguf(const Reference& r) { return r.path + ".gguf"; }
bool has_gguf(const Reference& r) { return std::filesystem::exists(gguf(r)); }

SessionSetup of(const Prompt& p) { return {.context_tokens = p.context}; }

std::vector<Form> forms() {
  std::vector<Form> out;
  for (const char* name : kNames) {
    out.push_back({name, "directory"});
    if (has_gguf(reference(name))) out.push_back({name, "gguf"});
  }
  return out;
}

class Architectures : public testing::TestWithParam<Form> {
 protected:
  const Reference reference_ = reference(GetParam().model);
  const std::string path_ = GetParam().kind == "gguf" ? gguf(reference_) : reference_.path;
};

TEST_P(Architectures, LogProbabilities) {
  const Model model(path_);
  for (const Prompt& p : reference_.prompts) {
    SCOPED_TRACE(std::to_string(p.ids.size()) + " tokens");
    const std::vector<double> logprobs = log_softmax(evaluate(model, p.ids, of(p)));
    ASSERT_EQ(logprobs.size(), reference_.vocab_size);
    EXPECT_LE(largest_difference(p.logprobs, logprobs), reference_.logprob_tolerance);
  }
}

TEST_P(Architectures, GreedyAnswers) {
  const Model model(path_);
  for (const Prompt& p : reference_.prompts) {
    SCOPED_TRACE(std::to_string(p.ids.size()) + " tokens");
    Session session(model, of(p));
    std::vector<int32_t> chosen;
    const auto steps = session.greedy(p.ids, p.greedy.size(), 4, chosen);
    ASSERT_EQ(chosen, p.greedy);
    for (size_t t = 0; t < steps.size(); ++t) {
      ASSERT_EQ(steps[t].size(), 4u);
      for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(steps[t][i].logprob, p.steps[t][i].logprob, reference_.logprob_tolerance) << "step " << t;
    }
  }
}

TEST_P(Architectures, Encodings) {
  const Model model(path_);
  for (const Prompt& p : reference_.encodings) EXPECT_EQ(model.encode(p.text, 0), p.ids) << p.text;
}

TEST_P(Architectures, ThreadsAndChunksChangeNothing) {
  const Prompt& p = reference_.prompts.back();
  const Model model(path_);
  const std::vector<float> expected = evaluate(model, p.ids, of(p));
  for (const uint32_t chunk : {1u, 7u, 64u, 4096u})
    EXPECT_TRUE(same_bits(evaluate(model, p.ids, {RUSTML_KV_F32, chunk, p.context}), expected)) << "chunks of " << chunk;
  for (const int32_t n_threads : {1, 4})
    EXPECT_TRUE(same_bits(evaluate(Model(path_, {"", n_threads}), p.ids, of(p)), expected)) << n_threads;
}

TEST_P(Architectures, QuantizedAtLoad) {
  const Model kept(path_), model(path_, {"", 2, kQuantizeQ8, 1});
  const auto quantizable = kQuantizable.find(GetParam().model);
  EXPECT_EQ(model.info().n_quantized, quantizable == kQuantizable.end() ? 0 : quantizable->second);
  for (const Prompt& p : reference_.prompts) {
    SCOPED_TRACE(std::to_string(p.ids.size()) + " tokens");
    const std::vector<float> logits = evaluate(model, p.ids, of(p));
    if (!reference_.blocks) {
      EXPECT_TRUE(same_bits(logits, evaluate(kept, p.ids, of(p))));
      continue;
    }
    const std::vector<double> logprobs = log_softmax(logits);
    EXPECT_GT(divergence(p.logprobs, logprobs), 0);
    EXPECT_LE(divergence(p.logprobs, logprobs), reference_.kl_bound);
    EXPECT_LE(divergence(p.rounded_logprobs, logprobs), kTurnedRoundingsBound);
  }
}

// No side of these matrices reaches the default of 512.
TEST_P(Architectures, SmallMatricesAreNotQuantizedByDefault) {
  const std::vector<int32_t>& ids = reference_.prompts[1].ids;
  const Model model(path_, {"", 2, RUSTML_QUANTIZE_AUTO, 0});
  EXPECT_EQ(model.info().n_quantized, 0u);
  EXPECT_TRUE(same_bits(evaluate(model, ids), evaluate(Model(path_), ids)));
}

INSTANTIATE_TEST_SUITE_P(Models, Architectures, testing::ValuesIn(forms()),
                         [](const auto& info) { return info.param.model + "_" + info.param.kind; });

class BothForms : public testing::TestWithParam<const char*> {};

TEST_P(BothForms, GiveTheSameBits) {
  const Reference r = reference(GetParam());
  if (!has_gguf(r)) return;  // GGUF has no key for what this model needs
  for (const golden::Setup& setup : std::vector<golden::Setup>{{}, {"", 2, kQuantizeQ8, 1}}) {
    const Model directory(r.path, setup), file(gguf(r), setup);
    for (const Prompt& p : r.prompts)
      EXPECT_TRUE(same_bits(evaluate(directory, p.ids, of(p)), evaluate(file, p.ids, of(p))))
          << p.ids.size() << " tokens, quantize " << setup.quantize;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, BothForms, testing::ValuesIn(kNames), [](const auto& info) { return std::string(info.param); });

// Gemma with a window of 24 after 1,700 tokens: the window layers have long let go of the first of them.
class PastTheWindow : public testing::Test {
 protected:
  const Reference reference_ = reference("gemma3");
  const Prompt& prompt_ = reference_.prompts.back();
  const Model model_{reference_.path};
  Session session_ = evaluated();

  Session evaluated() const {
    Session session(model_);
    session.eval(prompt_.ids);
    return session;
  }
  void expect_the_answer(Session& session) const {
    std::vector<int32_t> chosen;
    session.greedy(prompt_.ids, prompt_.greedy.size(), 0, chosen);
    EXPECT_EQ(chosen, prompt_.greedy);
  }
};

TEST_F(PastTheWindow, SnapshotAndForkContinueIdentically) {
  Session restored(model_), forked = session_.fork();
  restored.restore(session_.snapshot());
  EXPECT_EQ(restored.info().position, prompt_.ids.size());
  EXPECT_TRUE(same_bits(restored.logits(), session_.logits()));
  EXPECT_TRUE(same_bits(forked.logits(), session_.logits()));
  for (Session* session : {&session_, &restored, &forked}) expect_the_answer(*session);
  EXPECT_TRUE(same_bits(restored.logits(), session_.logits()));
  EXPECT_TRUE(same_bits(forked.logits(), session_.logits()));
}

TEST_F(PastTheWindow, RewindsToItsFloorAndNoFurther) {
  const uint64_t floor = session_.info().rewind_floor;
  ASSERT_GT(floor, 0u);
  ASSERT_LT(floor, prompt_.ids.size());
  const std::vector<float> before = session_.logits();
  EXPECT_EQ(session_.try_rewind(floor - 1), RUSTML_OUT_OF_RANGE);
  EXPECT_EQ(session_.info().position, prompt_.ids.size());
  EXPECT_TRUE(same_bits(session_.logits(), before));

  session_.rewind(floor);
  const auto kept = prompt_.ids.begin() + static_cast<int64_t>(floor);
  EXPECT_TRUE(same_bits(session_.logits(), evaluate(model_, {prompt_.ids.begin(), kept})));
  session_.eval({kept, prompt_.ids.end()});
  EXPECT_TRUE(same_bits(session_.logits(), before));
  session_.rewind(0);
  EXPECT_EQ(session_.info().rewind_floor, 0u);
  expect_the_answer(session_);
}

// What lies before the floor is gone: another beginning is evaluated from the start, not mixed with what is left.
TEST_F(PastTheWindow, AnotherPromptStartsAfresh) {
  const Prompt& other = reference_.prompts[reference_.prompts.size() - 2];
  std::vector<int32_t> ids(prompt_.ids.begin(), prompt_.ids.begin() + 50), chosen, expected;
  ids.insert(ids.end(), other.ids.begin(), other.ids.end());
  Session(model_).greedy(ids, 16, 0, expected);
  session_.greedy(ids, 16, 0, chosen);
  EXPECT_EQ(chosen, expected);
}

}  // namespace
}  // namespace golden
