// The search against a plain one, the policy on made-up times, and whole generations: with prompt lookup everything that can be
// seen is what it is without.
#include "generation/lookup_draft.h"

#include <algorithm>
#include <cstring>

#include "../real_files.h"
#include "generation/batch.h"
#include "generation/beam_search.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

// By the definition: for every length from the longest, for every end from the last.
std::vector<int32_t> plain_search(const std::vector<int32_t>& tokens, size_t n) {
  for (size_t length = kLongestMatch; length >= kShortestMatch; --length) {
    for (size_t end = tokens.size(); end-- > length;) {
      const auto suffix = tokens.end() - static_cast<std::ptrdiff_t>(length);
      if (!std::equal(suffix, tokens.end(), tokens.begin() + static_cast<std::ptrdiff_t>(end - length))) continue;
      std::vector<int32_t> all = tokens;
      for (size_t i = 0; i < n && 2 * (i + 1) <= length * length; ++i) all.push_back(all[end + i]);
      return {all.begin() + static_cast<std::ptrdiff_t>(tokens.size()), all.end()};
    }
  }
  return {};
}

TEST(LookupDraft, FindsWhatAPlainSearchFinds) {
  uint32_t x = 1;
  const auto random = [&x](uint32_t n) { return ((x = x * 1664525u + 1013904223u) >> 8) % n; };
  size_t found = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<int32_t> tokens(random(60));
    const uint32_t kinds = 1 + random(8);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random(kinds));
    const size_t n = random(17);
    std::vector<int32_t> draft{7};
    look_up(tokens, n, draft);
    ASSERT_EQ(draft, plain_search(tokens, n)) << "round " << round;
    found += draft.empty() ? 0 : 1;
  }
  EXPECT_GT(found, 1000u);
}

TEST(LookupDraft, PaysForItself) {
  const std::vector<int32_t> repeating = [] {
    std::vector<int32_t> t;
    for (int i = 0; i < 40; ++i) t.push_back(i % 10);
    return t;
  }();
  for (const double price : {0.1, 0.5, 1.0}) {  // of a guess, in passes of one token
    LookupDraft wrong(8), right(8);
    double lost = 0, spent = 0;
    size_t right_tokens = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto cost = [&](size_t n) { return 1 + price * static_cast<double>(n); };
      const size_t n = wrong.next(repeating, 100).size();
      wrong.evaluated(static_cast<uint64_t>(1e6 * cost(n)));
      wrong.sampled(99);
      lost += cost(n) - 1;
      const std::vector<int32_t> guesses = [&] {
        const auto draft = right.next(repeating, 100);
        return std::vector<int32_t>(draft.begin(), draft.end());
      }();
      right.evaluated(static_cast<uint64_t>(1e6 * cost(guesses.size())));
      for (const int32_t guess : guesses) right.sampled(guess);
      right.sampled(3);
      right_tokens += guesses.size() + 1;
      spent += cost(guesses.size());
    }
    EXPECT_LE(lost, 25) << "guesses that are always wrong, at " << price;
    EXPECT_EQ(wrong.accepted(), 0u);
    EXPECT_GE(static_cast<double>(right_tokens) / spent, price < 1 ? 0.9 * 9 / (1 + 8 * price) : 1) << "always right, at " << price;
    EXPECT_EQ(right.accepted(), right.drafted());
  }
  LookupDraft limited(8);
  EXPECT_EQ(limited.next(repeating, 3).size(), 3u);
  EXPECT_TRUE(limited.next(repeating, 0).empty());
}

// --- whole generations

std::vector<std::byte> bytes_of(const Session& s) {
  std::vector<std::byte> bytes;
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  s.snapshot_write(
      [&](const void* data, uint64_t n) {
        const auto* first = static_cast<const std::byte*>(data);
        bytes.insert(bytes.end(), first, first + n);
      },
      call);
  return bytes;
}

// One event and all that can be seen of the session after it, as text.
std::string seen(const Session& s, const Event& e, bool with_snapshot) {
  uint32_t logprob;
  std::memcpy(&logprob, &e.logprob, sizeof logprob);
  std::string line;
  for (const uint64_t number :
       {static_cast<uint64_t>(e.kind), static_cast<uint64_t>(e.token_id), e.position, uint64_t{logprob}, uint64_t{e.n_top}, e.done, e.total,
        static_cast<uint64_t>(e.finish), s.info().position, s.info().kv_bytes_used, s.info().rewind_floor})
    line += std::to_string(number) + " ";
  for (uint32_t i = 0; i < e.n_top; ++i) line.append(reinterpret_cast<const char*>(&e.top[i]), sizeof e.top[i]);
  line.append(e.bytes).append("|").append(e.text);
  if (with_snapshot) {
    const std::vector<std::byte> bytes = bytes_of(s);
    line.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return line;
}

struct Run {
  std::vector<std::string> lines;  // of every event
  Result result;
  std::vector<int32_t> tokens;  // of the session at the end
  std::vector<float> logits;
};

struct Scene {
  SessionOptions session;
  std::vector<int32_t> prompt;
  GenerationOptions options;
  size_t most_events = SIZE_MAX;  // then it is closed
  bool with_snapshots = false, ask_logits = false;
};

Run observe(const std::shared_ptr<Engine>& engine, const Scene& scene, uint32_t lookup) {
  const auto s = new_session(engine, scene.session);
  Limits limits;
  limits.prompt_lookup = lookup;
  const auto g = s->start(of_ids(scene.prompt), scene.options, limits);
  Run r;
  Event e;
  while (r.lines.size() < scene.most_events && g->next(e) == base::Status::ok) {
    r.lines.push_back(seen(*s, e, scene.with_snapshots));
    if (scene.ask_logits && r.lines.size() % 3 == 0) r.logits = s->logits();
  }
  g->stop();
  r.result = g->result();
  r.tokens = s->tokens();
  if (!r.tokens.empty()) r.logits = s->logits();
  return r;
}

// Returns the result with prompt lookup. How much is guessed depends on the time that passes take.
Result expect_identical(const std::shared_ptr<Engine>& engine, const Scene& scene, uint32_t lookup) {
  const Run off = observe(engine, scene, 0), on = observe(engine, scene, lookup);
  EXPECT_EQ(on.lines, off.lines);
  EXPECT_EQ(on.tokens, off.tokens);
  EXPECT_EQ(on.logits, off.logits);
  EXPECT_EQ(on.result.status, off.result.status);
  EXPECT_EQ(on.result.finish, off.result.finish);
  EXPECT_EQ(on.result.generated_tokens, off.result.generated_tokens);
  EXPECT_EQ(on.result.tokens_committed, off.result.tokens_committed);
  EXPECT_EQ(on.result.prompt_tokens, off.result.prompt_tokens);
  EXPECT_EQ(off.result.drafted_tokens, 0u);
  EXPECT_LE(on.result.accepted_tokens, on.result.drafted_tokens);
  return on.result;
}

// Only a few tokens are likely, so that pairs occur again and guesses are right now and then.
GenerationOptions narrow(uint64_t n, uint64_t seed, int32_t kinds = 3) {
  GenerationOptions o;
  o.max_tokens = n;
  o.ignore_eos = true;
  o.sampling.temperature = 0.8f;
  o.sampling.seed = seed;
  for (int32_t id = 40; id < 40 + kinds; ++id) o.sampling.logit_bias.push_back({id, 30});
  return o;
}

TEST(LookupDraft, NothingButTimeChanges) {
  const auto engine = open_tiny("base_q8_0");
  uint64_t accepted = 0;
  for (const kernels::KvType type : {kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE("type " + std::to_string(static_cast<int>(type)) + " seed " + std::to_string(seed));
      Scene scene{{}, some_ids(30), narrow(80, seed)};
      scene.session.kv_type = type;
      SamplingOptions& s = scene.options.sampling;
      if (seed == 0) s.temperature = 0;
      if (seed & 1) s.repetition_penalty = 1.05f, s.frequency_penalty = 0.01f, s.repetition_window = 20;
      if (seed & 2) s.top_p = 0.9f, s.logprobs = 4;
      if (seed & 4) s.presence_penalty = 0.1f, s.top_k = 20;
      scene.ask_logits = seed == 3 || seed == 4;
      scene.with_snapshots = seed == 5;
      accepted += expect_identical(engine, scene, seed < 4 ? 8 : static_cast<uint32_t>(seed) - 3).accepted_tokens;
    }
  }
  EXPECT_GT(accepted, 0u);
}

TEST(LookupDraft, EveryArchitectureAndChunk) {
  for (const char* name : {"gpt2", "gemma3", "llama", "qwen3"}) {
    const auto engine = open_tiny(std::string("architectures/") + name);
    for (const uint32_t chunk : {0u, 1u, 3u}) {
      SCOPED_TRACE(name + std::string(" ") + std::to_string(chunk));
      Scene scene{{}, some_ids(20), narrow(60, 5)};
      for (int32_t& id : scene.prompt) id %= static_cast<int32_t>(engine->info().vocab_size);
      scene.session.prefill_chunk = chunk;
      EXPECT_EQ(expect_identical(engine, scene, 8).drafted_tokens > 0, chunk != 1) << "a draft is a part of a chunk";
    }
  }
}

// Steps of the cache, and those that window layers give back while it goes on.
TEST(LookupDraft, MemoryOfCellsIsTheSameOverSteps) {
  const auto engine = open_tiny("architectures/gemma3");
  Scene scene{{}, std::vector<int32_t>(1250), narrow(350, 2)};
  for (size_t i = 0; i < scene.prompt.size(); ++i) scene.prompt[i] = static_cast<int32_t>(i * i % 31) + 3;
  EXPECT_GT(expect_identical(engine, scene, 16).drafted_tokens, 0u);
}

TEST(LookupDraft, EveryEndIsTheSame) {
  const auto engine = open_tiny("base_q4_1");
  SessionOptions small;
  small.context_tokens = 64;
  const Answer whole = finish(*new_session(engine)->start(of_ids(some_ids(20)), narrow(60, 1), {}));
  for (uint64_t seed = 1; seed < 4; ++seed) {
    for (uint64_t n = 1; n <= 24; ++n) {  // of length, whatever was guessed beyond it
      EXPECT_EQ(observe(engine, {{}, some_ids(20), narrow(n, seed)}, 8).result.finish, Finish::length);
      expect_identical(engine, {{}, some_ids(20), narrow(n, seed)}, 8);
      Scene closed{{}, some_ids(20), narrow(60, seed), n};
      expect_identical(engine, closed, 8);
      closed.options.rollback = true;
      expect_identical(engine, closed, 8);
    }
    Scene full{small, some_ids(20), narrow(0, seed)};
    EXPECT_EQ(observe(engine, full, 8).result.finish, Finish::context_full);
    expect_identical(engine, full, 8);
    Scene stops{{}, some_ids(20), narrow(60, seed, 4)};
    stops.options.stop_ids = {43};
    expect_identical(engine, stops, 8);
    stops.options.stop_ids.clear();
    for (const size_t at : {5, 17, 30}) {
      stops.options.stop_strings = {whole.text.substr(at, 4)};
      expect_identical(engine, stops, 8);
    }
  }
}

TEST(LookupDraft, AStopAtAnyMomentLeavesWhatWasCommitted) {
  const auto engine = open_tiny("slow_q4_0");
  const std::vector<int32_t> prompt = some_ids(20);
  const auto undisturbed = new_session(engine), checked = new_session(engine);
  finish(*undisturbed->start(of_ids(prompt), narrow(60, 3), {}));
  const std::vector<int32_t> want = undisturbed->tokens();
  // How long an answer takes is the machine's business: the moments spread over a time that follows what was seen, and where too
  // few fell inside, up to three times as many are tried.
  size_t inside = 0;
  double step_ns = 60'000;
  for (int round = 0; round < 60 || (inside <= 10 && round < 180); ++round) {
    for (const bool rollback : {false, true}) {
      const auto s = new_session(engine);
      eval(*s, prompt);
      GenerationOptions options = narrow(60, 3);
      options.rollback = rollback;
      Limits limits{nullptr, runtime::now_ns() + static_cast<uint64_t>(step_ns * (round % 60 + 1))};
      limits.prompt_lookup = 8;
      uint64_t committed = 0;
      const base::Status status = status_of([&] {
        const auto g = s->start(of_ids(prompt), options, limits);
        const auto count = [&] {
          committed = g->result().tokens_committed;
          return true;
        };
        for (Event e; count() && g->next(e) == base::Status::ok;) continue;
      });
      const std::vector<int32_t>& tokens = s->tokens();
      if (status == base::Status::deadline_exceeded && committed > prompt.size())
        ++inside;
      else
        step_ns *= status == base::Status::ok ? 0.95 : 1.05;
      if (rollback) {
        ASSERT_EQ(tokens, prompt);
      } else {
        ASSERT_GE(tokens.size(), committed);
        ASSERT_TRUE(std::equal(tokens.begin(), tokens.end(), want.begin()));
      }
      checked->reset();
      eval(*checked, tokens);
      ASSERT_EQ(s->logits(), checked->logits());
    }
  }
  EXPECT_GT(inside, 10u);
}

TEST(LookupDraft, AResumedGenerationMayUseItToo) {
  const auto engine = open_tiny("base_q4_1");
  const auto whole = new_session(engine), s = new_session(engine), t = new_session(engine);
  const Answer want = finish(*whole->start(of_ids(some_ids(20)), narrow(60, 4), {}));
  Limits limits;
  limits.prompt_lookup = 8;
  const auto g = s->start(of_ids(some_ids(20)), narrow(60, 4), limits);
  Answer got = finish(*g, 25);
  const std::vector<std::byte> bytes = bytes_of(*s);
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  t->restore(*base::open_memory(bytes.data(), bytes.size(), "snapshot"), call);
  const auto resumed = t->resume(limits);
  const Answer rest = finish(*resumed);
  got.tokens.insert(got.tokens.end(), rest.tokens.begin(), rest.tokens.end());
  EXPECT_EQ(got.tokens, want.tokens);
  EXPECT_EQ(got.text + rest.text, want.text);
  EXPECT_GT(resumed->result().drafted_tokens, 0u);
  limits.prompt_lookup = 17;
  EXPECT_EQ(status_of([&] { t->start(of_ids({3}), narrow(1, 1), limits); }), base::Status::invalid_argument);
}

TEST(LookupDraft, BatchesMayUseItBeamsMayNot) {
  const auto engine = open_tiny("base_q4_1");
  std::vector<BatchItem> items;
  for (uint64_t i = 0; i < 6; ++i) items.push_back({of_ids(some_ids(10 + i)), narrow(40, i), {}});
  std::vector<std::vector<int32_t>> tokens[2];
  std::vector<Result> results;
  for (std::vector<std::vector<int32_t>>& heard : tokens) {
    heard.resize(items.size());
    const auto hear = [&](uint32_t sequence, const Event& e) {
      if (e.kind == EventKind::token) heard[sequence].push_back(e.token_id);
      return 0;
    };
    generate_batch(engine, {}, items, {hear, {}}, results);
    for (size_t i = 0; i < items.size(); ++i) items[i].limits.prompt_lookup = static_cast<uint32_t>(i) + 3;
  }
  EXPECT_EQ(tokens[0], tokens[1]);
  for (const Result& r : results) EXPECT_GT(r.drafted_tokens, 0u);
  BeamOutcome outcome;
  EXPECT_EQ(status_of([&] { beam_search(*new_session(engine), items[0].prompt, {}, items[0].limits, {}, outcome); }),
            base::Status::invalid_argument);
}

TEST(LookupDraft, SmolLm2EditsATextTheSameWay) {
#ifdef RUSTML_SANITIZED
  GTEST_SKIP() << "minutes long with sanitizers; the tiny models take the same paths, and the release build runs it";
#endif
  SMOLLM2_OR_SKIP(path);
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto engine = std::make_shared<Engine>(formats::open_path(path, call), ModelOptions{}, call);
  Prompt prompt;
  prompt.kind = PromptKind::messages;
  prompt.text = R"([{"role":"user","content":"Repeat this paragraph, but write Bob instead of Alice.\n\n)"
                R"(Alice walked to the old harbour in the morning. The boats were still tied up, and the fishermen drank coffee on )"
                R"(the quay. Alice asked one of them whether the weather would hold, and he looked at the sky for a long time before )"
                R"(he answered. In the evening Alice wrote down what he had said."}])";
  for (const float temperature : {0.0f, 0.7f}) {
    std::vector<Answer> answers;
    for (const uint32_t lookup : {0u, 8u}) {
      GenerationOptions options;
      options.max_tokens = 100;
      options.sampling.temperature = temperature;
      Limits limits;
      limits.prompt_lookup = lookup;
      const auto g = new_session(engine)->start(prompt, options, limits);
      answers.push_back(finish(*g));
      EXPECT_EQ(g->result().drafted_tokens > 0, lookup > 0);
    }
    EXPECT_EQ(answers[0].tokens, answers[1].tokens);
    EXPECT_EQ(answers[0].text, answers[1].text);
    EXPECT_EQ(answers[0].finish, answers[1].finish);
  }
}

}  // namespace
}  // namespace rustml::generation
