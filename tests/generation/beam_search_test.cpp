#include "generation/beam_search.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "tiny.h"
#include "tokenizer/stream_decoder.h"

namespace rustml::generation {
namespace {

const std::string kGolden = std::string(RUSTML_TEST_DATA) + "/../golden/data/";

base::Json json(const std::string& name) {
  std::ifstream in(kGolden + name);
  return base::parse_json(std::string(std::istreambuf_iterator<char>(in), {}), name);
}

std::vector<int32_t> ids(const base::Json& list) {
  std::vector<int32_t> out;
  for (const base::Json& item : list.items) out.push_back(static_cast<int32_t>(item.integer));
  return out;
}

// With one thread: thousands of small passes, which a busy machine would make slow by their barriers.
std::shared_ptr<Engine> open_alone(const std::string& name) {
  ModelOptions options;
  options.n_threads = 1;
  return open_tiny(name, options);
}

SessionOptions exact() {
  SessionOptions o;
  o.kv_type = kernels::KvType::f32;
  return o;
}

BeamOptions width(uint32_t n, uint64_t max_tokens) {
  BeamOptions o;
  o.width = o.n_best = n;
  o.max_tokens = max_tokens;
  o.ignore_eos = true;
  return o;
}

BeamOutcome search(Session& session, const std::vector<int32_t>& prompt, const BeamOptions& options, const Limits& limits = {},
                   const BeamProgress& progress = {}) {
  BeamOutcome out;
  beam_search(session, of_ids(prompt), options, limits, progress, out);
  return out;
}

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(BeamSearch, FindsWhatTransformersFinds) {
  const base::Json cases = json("beams.json");
  std::string open;
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Session> session;
  base::Json model;
  for (const base::Json& c : cases.find("cases")->items) {
    const std::string name = c.find("model")->string;
    if (name != open) {
      engine = open_alone(open = name);
      session = new_session(engine, exact());
      model = json(name + ".json");
    }
    const auto whole = [&](const char* key) { return static_cast<uint32_t>(c.find(key)->integer); };
    BeamOptions options = width(whole("width"), whole("max_tokens"));
    options.n_best = whole("n_best");
    options.length_penalty = static_cast<float>(c.find("length_penalty")->number);
    options.early_stopping = static_cast<EarlyStopping>(whole("early_stopping"));
    options.stop_ids = ids(*c.find("stop_ids"));
    const std::vector<int32_t> prompt = ids(*model.find("prompts")->items[whole("prompt")].find("ids"));
    const BeamOutcome found = search(*session, prompt, options);
    const auto& wanted = c.find("hypotheses")->items;
    SCOPED_TRACE(name + " width " + std::to_string(options.width) + " penalty " + std::to_string(options.length_penalty) + " early " +
                 std::to_string(whole("early_stopping")) + " stops " + std::to_string(options.stop_ids.size()));
    ASSERT_EQ(found.hypotheses.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Hypothesis& h = found.hypotheses[i];
      EXPECT_EQ(h.tokens, ids(*wanted[i].find("ids"))) << i;
      EXPECT_EQ(h.stop_id, wanted[i].find("stop_id")->integer);
      EXPECT_NEAR(h.score, wanted[i].find("score")->number, 1e-4 * std::max(1.0, std::fabs(h.score)));
      EXPECT_EQ(h.finish, h.stop_id >= 0 ? Finish::stop_token : Finish::length);
    }
    EXPECT_EQ(session->tokens(), joined(prompt, found.hypotheses.front().tokens));
  }
}

// Every hypothesis scored again by ordinary evaluation, to the last bit of its logits: cells moved between beams are right.
TEST(BeamSearch, ScoresAreThoseOfOrdinaryEvaluation) {
  for (const auto type : {kernels::KvType::f32, kernels::KvType::f16, kernels::KvType::q8_0}) {
    const auto engine = open_tiny("base_q4_0");
    SessionOptions session_options;
    session_options.kv_type = type;
    const auto session = new_session(engine, session_options), check = new_session(engine, session_options);
    const std::vector<int32_t> prompt = some_ids(125);  // crosses a block of the cache
    const BeamOutcome found = search(*session, prompt, width(6, 20));
    ASSERT_EQ(found.hypotheses.size(), 6u);
    EXPECT_EQ(session->logits(), [&] {
      eval(*check, joined(prompt, found.hypotheses[0].tokens));
      return check->logits();
    }());
    for (const Hypothesis& h : found.hypotheses) {
      check->reset();
      eval(*check, prompt);
      double sum = 0;
      for (const int32_t token : h.tokens) {
        const std::vector<float>& l = check->logits();
        const double largest = *std::max_element(l.begin(), l.end());
        double total = 0;
        for (const float v : l) total += std::exp(v - largest);
        sum += l[static_cast<size_t>(token)] - largest - std::log(total);
        eval(*check, {token});
      }
      EXPECT_NEAR(h.logprob, sum, 1e-4);
      EXPECT_NEAR(h.score, h.logprob / 20, 1e-9);
      std::string bytes, text;
      for (const int32_t id : h.tokens) bytes += engine->tokenizer().token_bytes(id);
      tokenizer::StreamDecoder decoder;
      decoder.push(bytes, text);
      decoder.finish(text);
      EXPECT_EQ(h.text, text);
    }
    for (size_t i = 1; i < 6; ++i) EXPECT_GE(found.hypotheses[i - 1].score, found.hypotheses[i].score);
  }
}

// Window layers give cells back while a session grows (at 1,560 tokens, too), but not those that other beams still need.
TEST(BeamSearch, WindowLayersKeepWhatBeamsNeed) {
  const auto engine = open_tiny("architectures/gemma3");
  const auto session = new_session(engine), check = new_session(engine);
  const std::vector<int32_t> prompt = some_ids(1545);
  const BeamOutcome found = search(*session, prompt, width(5, 30));
  ASSERT_EQ(found.hypotheses.size(), 5u);
  EXPECT_GT(session->info().rewind_floor, 512u) << "given back now";
  eval(*check, joined(prompt, found.hypotheses[0].tokens));
  EXPECT_EQ(session->logits(), check->logits());
  EXPECT_EQ(search(*check, prompt, width(5, 30)).hypotheses[4].logprob, found.hypotheses[4].logprob);
  BeamOptions back = width(3, 30);
  back.rollback = true;
  const std::vector<int32_t> before = session->tokens();
  search(*session, some_ids(1600, 9), back);
  EXPECT_EQ(session->tokens(), before);
  check->reset();
  eval(*check, before);
  EXPECT_EQ(session->logits(), check->logits());
}

// The best hypothesis ended at once, the others went on far beyond what a window layer keeps by itself.
TEST(BeamSearch, TheBestMayLieFarBehindTheOthers) {
  const auto engine = open_alone("architectures/gemma3");
  const auto session = new_session(engine), check = new_session(engine);
  const std::vector<int32_t> prompt = some_ids(300);
  eval(*check, prompt);
  const std::vector<float> logits = check->logits();
  BeamOptions options = width(2, 1300);
  options.length_penalty = 0;
  options.stop_ids = {static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin())};
  const BeamOutcome found = search(*session, prompt, options);
  ASSERT_EQ(found.hypotheses.size(), 2u);
  EXPECT_TRUE(found.hypotheses[0].tokens.empty());
  EXPECT_EQ(found.hypotheses[1].tokens.size(), 1300u) << "only one ends by the stop token";
  EXPECT_EQ(session->tokens(), prompt);
  EXPECT_EQ(session->logits(), logits);
}

TEST(BeamSearch, WidthOneIsGreedyAndWidth64Works) {
  const auto engine = open_tiny("base_f32");
  const auto session = new_session(engine);
  GenerationOptions greedy;
  greedy.max_tokens = 10;
  greedy.ignore_eos = true;
  const Answer answer = finish(*session->start(of_ids(some_ids(30)), greedy, {}));
  const BeamOutcome one = search(*session, some_ids(30), width(1, 10));
  EXPECT_EQ(one.hypotheses.at(0).tokens, answer.tokens);
  EXPECT_EQ(one.result.prefill_tokens_skipped, 29u);
  EXPECT_EQ(one.result.generated_tokens, 10u);
  EXPECT_EQ(one.result.tokens_committed, 40u);
  const BeamOutcome many = search(*session, some_ids(30), width(64, 10));
  ASSERT_EQ(many.hypotheses.size(), 64u);
  EXPECT_GE(many.hypotheses[0].score, one.hypotheses[0].score);
}

TEST(BeamSearch, AFullContextIsAnOrdinaryEnd) {
  const auto engine = open_tiny("base_f16");
  SessionOptions options;
  options.context_tokens = 32;
  const auto session = new_session(engine, options);
  const BeamOutcome two = search(*session, some_ids(30), width(3, 0));
  ASSERT_EQ(two.hypotheses.size(), 3u);
  EXPECT_EQ(two.hypotheses[0].tokens.size(), 2u);
  EXPECT_EQ(two.hypotheses[0].finish, Finish::context_full);
  EXPECT_EQ(two.result.finish, Finish::context_full);
  EXPECT_EQ(session->tokens().size(), 32u);
  const BeamOutcome none = search(*session, some_ids(32), width(3, 5));
  EXPECT_TRUE(none.hypotheses.empty());
  EXPECT_EQ(none.result.finish, Finish::context_full);
  EXPECT_EQ(session->tokens(), some_ids(32));
  EXPECT_EQ(status_of([&] { search(*session, some_ids(33), width(3, 5)); }), base::Status::out_of_range);
}

TEST(BeamSearch, EveryTokenMayBeAStop) {
  const auto engine = open_tiny("base_f32");
  const auto session = new_session(engine);
  BeamOptions options = width(4, 10);
  for (int32_t id = 0; id < static_cast<int32_t>(engine->info().vocab_size); ++id) options.stop_ids.push_back(id);
  const BeamOutcome out = search(*session, some_ids(10), options);
  ASSERT_EQ(out.hypotheses.size(), 4u);
  for (const Hypothesis& h : out.hypotheses) EXPECT_TRUE(h.tokens.empty() && h.stop_id >= 0 && h.text.empty());
  EXPECT_EQ(session->tokens(), some_ids(10));
}

TEST(BeamSearch, StopsGiveTheBestSoFarAndLeaveAUsableSession) {
  const auto engine = open_tiny("base_f32");
  const auto session = new_session(engine);
  eval(*session, some_ids(40, 3));
  const std::vector<int32_t> before = session->tokens(), prompt = some_ids(200);
  for (const bool rollback : {true, false}) {
    for (const uint64_t steps : {0u, 1u, 7u}) {
      for (const bool by_callback : {true, false}) {
        runtime::CancelFlag flag;
        BeamOptions options = width(3, 20);
        options.rollback = rollback;
        BeamOutcome out;
        const auto progress = [&](bool prefill, uint64_t done, uint64_t) -> int32_t {
          if (steps == 0 ? !prefill : prefill || done < steps) return 0;
          if (!by_callback) flag.trigger(9);
          return by_callback ? 42 : 0;
        };
        EXPECT_EQ(status_of([&] { beam_search(*session, of_ids(prompt), options, {&flag}, progress, out); }),
                  by_callback ? base::Status::callback_stop : base::Status::cancelled);
        EXPECT_EQ(out.result.callback_value, by_callback ? 42 : 0);
        EXPECT_EQ(out.result.cancel_reason, by_callback ? 0u : 9u);
        ASSERT_EQ(out.hypotheses.size(), steps == 0 ? 0u : 3u);
        for (const Hypothesis& h : out.hypotheses) {
          EXPECT_EQ(h.finish, by_callback ? Finish::callback : Finish::cancelled);
          EXPECT_EQ(h.tokens.size(), steps);
        }
        EXPECT_EQ(out.result.tokens_committed, session->tokens().size());
        if (rollback) {
          EXPECT_EQ(session->tokens(), before);
        } else if (steps > 0) {
          EXPECT_EQ(session->tokens(), joined(prompt, out.hypotheses[0].tokens));
        }
        if (!rollback) {
          session->reset();
          eval(*session, before);
        }
      }
    }
  }
  const auto fresh = new_session(engine);
  EXPECT_EQ(search(*session, prompt, width(3, 20)).hypotheses[0].tokens, search(*fresh, prompt, width(3, 20)).hypotheses[0].tokens);
}

TEST(BeamSearch, DeadlinesAndFaults) {
  const auto engine = open_tiny("slow_q4_0");
  const auto session = new_session(engine);
  eval(*session, some_ids(10, 3));
  const std::vector<int32_t> before = session->tokens();
  BeamOutcome out;
  const auto status = [&](const BeamOptions& o, const Limits& limits, size_t n = 5) {
    return status_of([&] { beam_search(*session, of_ids(some_ids(n)), o, limits, {}, out); });
  };
  EXPECT_EQ(status(width(2, 5), {nullptr, 1}), base::Status::deadline_exceeded);
  EXPECT_EQ(out.result.deadline, Deadline::total);
  EXPECT_EQ(session->tokens(), before) << "past: before any work";
  EXPECT_EQ(status(width(2, 5), {nullptr, 0, runtime::now_ns() + 10'000'000}, 4000), base::Status::deadline_exceeded);
  EXPECT_EQ(out.result.deadline, Deadline::first_token);
  EXPECT_EQ(status(width(2, 5), {nullptr, 0, 0, 1}, 4000), base::Status::deadline_exceeded);
  EXPECT_EQ(out.result.deadline, Deadline::stall);
  EXPECT_EQ(status(width(0, 5), {}), base::Status::invalid_argument);
  EXPECT_EQ(out.result.status, base::Status::invalid_argument);
  EXPECT_EQ(status(width(65, 5), {}), base::Status::invalid_argument);
  BeamOptions bad = width(2, 5);
  bad.n_best = 3;
  EXPECT_EQ(status(bad, {}), base::Status::invalid_argument);
  for (const float penalty : {NAN, 10.5f, -10.5f, INFINITY}) {
    bad = width(2, 5);
    bad.length_penalty = penalty;
    EXPECT_EQ(status(bad, {}), base::Status::invalid_argument);
  }
  bad = width(2, 5);
  bad.stop_ids = {-1};
  EXPECT_EQ(status(bad, {}), base::Status::invalid_argument);
  EXPECT_EQ(status(width(2, 5), {}, 0), base::Status::invalid_argument);
  const auto generation = session->start(of_ids(some_ids(4)), {}, {});
  EXPECT_EQ(status(width(2, 5), {}), base::Status::failed_precondition);
}

TEST(BeamSearch, MemoryOfBeamsCountsAndALimitLeavesTheSessionAsItWas) {
  const auto free_engine = open_tiny("base_f32");
  const auto s = new_session(free_engine);
  eval(*s, some_ids(20));
  const uint64_t before = free_engine->info().bytes_now;
  search(*s, some_ids(20), width(16, 200));
  const uint64_t after = free_engine->info().bytes_now, peak = free_engine->info().bytes_peak;
  EXPECT_EQ(after, before) << "given back";
  EXPECT_GT(peak, before);
  ModelOptions options;
  SessionOptions session_options;
  for (const bool of_session : {false, true}) {
    options.memory_limit_bytes = of_session ? 0 : peak - 1;
    session_options.memory_limit_bytes = of_session ? s->info().kv_bytes_used + 20000 : 0;
    const auto engine = open_tiny("base_f32", options);
    const auto session = new_session(engine, session_options);
    eval(*session, some_ids(20));
    EXPECT_EQ(status_of([&] { search(*session, some_ids(20), width(16, 200)); }), base::Status::resource_exhausted);
    EXPECT_EQ(session->tokens(), some_ids(20));
  }
}

}  // namespace
}  // namespace rustml::generation
