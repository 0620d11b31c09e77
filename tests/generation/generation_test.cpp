#include "generation/generation.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "tiny.h"

namespace rustml::generation {
namespace {

GenerationOptions tokens(uint64_t n) {
  GenerationOptions o;
  o.max_tokens = n;
  o.ignore_eos = true;
  return o;
}

GenerationOptions sampled(uint64_t n) {
  GenerationOptions o = tokens(n);
  o.sampling.temperature = 1;
  o.sampling.seed = 42;
  o.sampling.repetition_penalty = 1.2f;
  return o;
}

TEST(Generate, TextIsTheDecodedWholeAndLogitsAgree) {
  const auto engine = open_tiny("base_f32");
  const auto s = new_session(engine), check = new_session(engine);
  const std::vector<int32_t> prompt = some_ids(20);
  const Answer answer = finish(*s->start(of_ids(prompt), tokens(30), {}));
  EXPECT_EQ(answer.finish, Finish::length);
  ASSERT_EQ(answer.tokens.size(), 30u);
  std::string bytes, text;
  for (const int32_t id : answer.tokens) bytes += engine->tokenizer().token_bytes(id);
  tokenizer::StreamDecoder decoder;
  decoder.push(bytes, text);
  decoder.finish(text);
  EXPECT_EQ(answer.text, text);
  std::vector<int32_t> all = prompt;
  for (const int32_t id : answer.tokens) {
    check->reset();
    eval(*check, all);
    const std::vector<float>& l = check->logits();
    EXPECT_EQ(id, std::max_element(l.begin(), l.end()) - l.begin());
    all.push_back(id);
  }
  EXPECT_EQ(s->tokens(), all);
}

TEST(Generate, APrefixIsReusedAndChangesNothing) {
  const auto engine = open_tiny("base_q4_0");
  const auto s = new_session(engine), fresh = new_session(engine);
  finish(*s->start(of_ids(some_ids(50)), tokens(10), {}));
  std::vector<int32_t> longer = s->tokens();
  longer.push_back(7);
  const auto g = s->start(of_ids(longer), sampled(20), {});
  const Answer reused = finish(*g);
  EXPECT_EQ(g->result().prefill_tokens_skipped, 59u) << "all but the pending token and the new one";
  EXPECT_EQ(finish(*fresh->start(of_ids(longer), sampled(20), {})).tokens, reused.tokens);
}

TEST(Generate, StopTokensAndStringsEndIt) {
  const auto engine = open_tiny("base_f32");
  const auto s = new_session(engine);
  const std::vector<int32_t> free = finish(*s->start(of_ids(some_ids(20)), tokens(30), {})).tokens;
  GenerationOptions stop_id = tokens(30);
  stop_id.stop_ids = {free[10]};
  const size_t first = static_cast<size_t>(std::find(free.begin(), free.end(), free[10]) - free.begin());
  Event e;
  auto g = s->start(of_ids(some_ids(20)), stop_id, {});
  for (size_t i = 0; i < first; ++i) g->next(e);
  ASSERT_EQ(g->next(e), base::Status::ok);
  EXPECT_EQ(e.kind, EventKind::stopped);
  EXPECT_EQ(e.finish, Finish::stop_token);
  EXPECT_EQ(e.token_id, free[10]);
  EXPECT_EQ(g->next(e), base::Status::done);
  EXPECT_EQ(g->next(e), base::Status::done);

  const Answer whole = finish(*s->start(of_ids(some_ids(20)), tokens(30), {}));
  GenerationOptions stop_text = tokens(30);
  const std::string needle = whole.text.substr(whole.text.size() / 2, 3);
  const size_t at = whole.text.find(needle);
  ASSERT_EQ(tokenizer::StreamDecoder().invalid_count(), 0u);
  if (base::utf8_error(needle) == base::kValidUtf8) {
    stop_text.stop_strings = {needle};
    const Answer cut = finish(*s->start(of_ids(some_ids(20)), stop_text, {}));
    EXPECT_EQ(cut.finish, Finish::stop_string);
    EXPECT_EQ(cut.text, whole.text.substr(0, at));
  }
}

TEST(Generate, AFullContextIsAnOrdinaryEnd) {
  const auto engine = open_tiny("base_f16");
  SessionOptions options;
  options.context_tokens = 32;
  const auto s = new_session(engine, options);
  const Answer a = finish(*s->start(of_ids(some_ids(30)), tokens(0), {}));
  EXPECT_EQ(a.tokens.size(), 2u);
  EXPECT_EQ(a.finish, Finish::context_full);
  EXPECT_EQ(status_of([&] { s->start(of_ids(some_ids(33)), tokens(1), {}); }), base::Status::out_of_range);
  EXPECT_EQ(status_of([&] { s->start(of_ids({}), tokens(1), {}); }), base::Status::invalid_argument);
  EXPECT_EQ(finish(*s->start(of_ids(some_ids(32)), tokens(1), {})).finish, Finish::context_full);
}

TEST(Generate, StopsKeepOrRollBackAndTheNextTokensAreTheSame) {
  const auto engine = open_tiny("slow_q4_0");
  const auto s = new_session(engine);
  const std::vector<int32_t> before = some_ids(40), parted = some_ids(30), far = some_ids(1500, 5);
  eval(*s, before);
  std::vector<int32_t> prompt = parted;  // shares 30 tokens, then parts
  prompt.insert(prompt.end(), far.begin(), far.end());
  for (const bool rollback : {true, false}) {
    runtime::CancelFlag flag;
    GenerationOptions options = sampled(8);
    options.rollback = rollback;
    options.prefill_events = true;
    auto g = s->start(of_ids(prompt), options, {&flag});
    Event e;
    for (int i = 0; i < 3; ++i) g->next(e);
    EXPECT_EQ(e.kind, EventKind::prefill);
    EXPECT_EQ(e.total, 1530u);
    EXPECT_TRUE(s->info().generation_open);
    EXPECT_EQ(status_of([&] { eval(*s, {3}); }), base::Status::failed_precondition);
    flag.trigger(5);
    EXPECT_EQ(status_of([&] { g->next(e); }), base::Status::cancelled);
    EXPECT_EQ(status_of([&] { g->next(e); }), base::Status::cancelled) << "repeats";
    const Result r = g->result();
    EXPECT_EQ(r.finish, Finish::cancelled);
    EXPECT_EQ(r.cancel_reason, 5u);
    EXPECT_LE(r.pieces_after_stop, 1u);
    EXPECT_EQ(r.tokens_committed, s->tokens().size());
    EXPECT_FALSE(s->info().generation_open);
    if (rollback) {
      EXPECT_EQ(s->tokens(), before);
    } else {
      EXPECT_TRUE(std::equal(s->tokens().begin(), s->tokens().end(), prompt.begin()));
      EXPECT_GT(s->tokens().size(), 256u);
    }
  }
  const auto fresh = new_session(engine);
  EXPECT_EQ(finish(*s->start(of_ids(prompt), sampled(8), {})).tokens, finish(*fresh->start(of_ids(prompt), sampled(8), {})).tokens);
}

TEST(Generate, EachDeadlineStopsWithItsName) {
  const auto engine = open_tiny("slow_q4_0");
  const auto s = new_session(engine);
  const auto deadline_of = [&](const auto& limits_after) {
    s->reset();
    std::shared_ptr<Generation> g;
    // A limit that has passed before the start refuses it, as on a machine that stood still so long: tried up to three times.
    for (int i = 0; i < 3 && !g; ++i) {
      const base::Status status =
          status_of([&] { g = s->start(of_ids(some_ids(4000)), sampled(8), limits_after(runtime::now_ns() + 20'000'000)); });
      EXPECT_EQ(status, g ? base::Status::ok : base::Status::deadline_exceeded);
    }
    if (!g) return Deadline::none;
    Event e;
    EXPECT_EQ(status_of([&] { g->next(e); }), base::Status::deadline_exceeded);
    return g->result().deadline;
  };
  EXPECT_EQ(deadline_of([](uint64_t when) { return Limits{nullptr, when}; }), Deadline::total);
  EXPECT_EQ(deadline_of([](uint64_t when) { return Limits{nullptr, 0, when}; }), Deadline::first_token);
  EXPECT_EQ(deadline_of([](uint64_t) { return Limits{nullptr, 0, 0, 1}; }), Deadline::stall);
  EXPECT_EQ(status_of([&] {
              s->start(of_ids(some_ids(4)), sampled(8), {nullptr, 1});
            }),
            base::Status::deadline_exceeded)
      << "past: before any work";
  auto g = s->start(of_ids(some_ids(100)), sampled(4), {nullptr, runtime::kNever, runtime::kNever, 60'000'000'000});
  EXPECT_EQ(finish(*g).tokens.size(), 4u) << "a healthy generation is left alone";
}

TEST(Generate, LogprobsAreTheModelsOwn) {
  const auto engine = open_tiny("base_f32");
  const auto s = new_session(engine), check = new_session(engine);
  GenerationOptions options = sampled(1);
  options.sampling.logprobs = 3;
  auto g = s->start(of_ids(some_ids(20)), options, {});
  Event e;
  g->next(e);
  eval(*check, some_ids(20));
  const std::vector<float>& l = check->logits();
  double sum = 0;
  for (const float v : l) sum += std::exp(static_cast<double>(v));
  ASSERT_EQ(e.n_top, 3u);
  EXPECT_NEAR(e.logprob, l[static_cast<size_t>(e.token_id)] - std::log(sum), 1e-5);
  EXPECT_EQ(e.top[0].id, std::max_element(l.begin(), l.end()) - l.begin());
  EXPECT_GE(e.top[0].logprob, e.top[1].logprob);
}

}  // namespace
}  // namespace rustml::generation
